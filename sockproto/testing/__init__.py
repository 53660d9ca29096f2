"""A kit for tests of Twisted protocols, yours or ours: in memory, or over real sockets.

``twisted.internet.testing`` has no half-close, no back-pressure and no datagram network. Here Twisted's own
transports run over sockets and a network in memory, so a protocol behaves as it does in production::

    from sockproto.testing import assert_bounded, connect

    remote = connect(MyFactory())          # any Protocol or Factory
    remote.send(b"x" * 1_000_000)          # it reads nothing yet
    assert_bounded(remote, 256 * 1024)
    remote.half_close()
    assert remote.read_to_end() == b"x" * 1_000_000

=============  ========================================================================================
arguments      checks the arguments that a test passes
faults         mistakes and exceptions of the protocol under test, even if they are caught and logged
sockets        sockets in memory
transports     Twisted's TCP transport over one of them, which records what happened
streams        ``connect``: a protocol and a remote side; ``join``: two protocols
datagrams      ``DatagramNetwork``: loss, duplication, reordering, refusals, loops
clocks         ``to_next_call``: time that a test controls
cutting        ``pieces``, ``cuts``: how a stream's bytes are cut into reads
assertions     replies, order, the end, bounded buffers
waiting        a Deferred that warns if a test forgets to wait for it
live           the remote side of a real connection
steps          ``Send``, ``Expect``, ``HalfClose`` …: the steps of a script
scripts        ``play``: runs one script in many ways, in memory and over real sockets
=============  ========================================================================================

How to: docs/howto/testing.md.
"""

from sockproto.testing.assertions import (
    assert_bounded as assert_bounded,
    assert_ended as assert_ended,
    assert_in_order as assert_in_order,
    assert_no_faults as assert_no_faults,
    assert_reads as assert_reads,
    assert_same as assert_same,
)
from sockproto.testing.clocks import to_next_call as to_next_call
from sockproto.testing.cutting import Cut as Cut, cuts as cuts, pieces as pieces
from sockproto.testing.datagrams import (
    DatagramNetwork as DatagramNetwork,
    DatagramRemote as DatagramRemote,
)
from sockproto.testing.scripts import (
    Outcome as Outcome,
    play as play,
    play_every_way as play_every_way,
    play_everywhere as play_everywhere,
    play_on_socket as play_on_socket,
)
from sockproto.testing.steps import (
    Expect as Expect,
    ExpectEnd as ExpectEnd,
    HalfClose as HalfClose,
    Pause as Pause,
    ReadToEnd as ReadToEnd,
    Reset as Reset,
    Send as Send,
    Step as Step,
)
from sockproto.testing.streams import (
    Link as Link,
    Remote as Remote,
    connect as connect,
    join as join,
)
from sockproto.testing.transports import Transport as Transport

"""A kit for tests of Twisted protocols, yours or ours: in memory, or over real sockets.

``twisted.internet.testing`` has no half-close, no back-pressure and no datagram network; here Twisted's own
transports run over sockets and a network in memory, so what a protocol meets is what it meets in service::

    from sockproto.testing import assert_bounded, connect

    remote = connect(MyFactory())          # any Protocol or Factory
    remote.send(b"x" * 1_000_000)          # it reads nothing yet
    assert_bounded(remote, 256 * 1024)
    remote.half_close()
    assert remote.read_to_end() == b"x" * 1_000_000

=============  ========================================================================================
arguments      what a test gives, looked at first
faults         what is under test does wrong, and what it raises, wherever that is caught and logged
sockets        sockets in memory
transports     Twisted's TCP transport over one of them, with notes of what happened
streams        ``connect``: a protocol and a remote side; ``join``: two protocols
datagrams      ``DatagramNetwork``: loss, doubling, reordering, refusals, loops
clocks         ``to_next_call``: time, under a test's command
cutting        ``pieces``, ``cuts``: where bytes are cut on their way
assertions     replies, order, the end, bounded buffers
waiting        a Deferred that nobody can forget to wait for
live           the remote side of a real connection
steps          ``Send``, ``Expect``, ``HalfClose`` …: what a script is made of
scripts        ``play``: one script in many ways, in memory and over real sockets
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

"""A machine whose IPv6 is off, as a container's: a network namespace, with a hosts file with ::1."""

import subprocess
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO
from tests.live.server import TWISTD, need, require

NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child")
OFF = """
{ mount --bind hosts /etc/hosts &&
  ip link set lo up &&
  echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; } || exit 99
"""


def without_ipv6(directory: Path, script: str) -> "subprocess.CompletedProcess[str]":
    """Run a script of sh where IPv6 is off; $1 is sockproto, $2 twistd."""
    for program in "ip", "unshare":
        need(program)
    (directory / "hosts").write_text("127.0.0.1 localhost\n::1 localhost only6\n")
    ended = subprocess.run(
        [*NAMESPACES, "sh", "-c", OFF + script, "sh", SOCKPROTO, TWISTD],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    denied = ended.returncode == 99 or ended.stderr.startswith("unshare:")
    require(not denied, "the right to a network namespace with IPv6 off")
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended


@pytest.mark.parametrize("interface", ["localhost", "::"])
@pytest.mark.parametrize("server", ['"$1" serve', '"$2" -n --pidfile= sockproto'])
def test_what_there_is_is_served(tmp_path: Path, interface: str, server: str) -> None:
    ended = without_ipv6(
        tmp_path,
        f"""
{server} --port 9999 --interface {interface} >log &
"$1" probe --wait 30 127.0.0.1:9999 >&2
"$1" greet localhost:9999 Michael
"$1" greet --udp localhost:9999 Tracy
kill $! && wait $!
""",
    )
    assert ended.stdout == "Welcome!\nHello, Michael!\nHello, Tracy!\n", ended
    log = (tmp_path / "log").read_text()
    if interface == "::":
        assert log.count("IPv6 is off on this machine; only IPv4 reaches it") == 2  # TCP and UDP
    else:
        assert log.count("localhost: this machine has no address ::1; serving 127.0.0.1 alone") == 1


@pytest.mark.parametrize("carrier", ["--tcp-only", "--udp-only"])
@pytest.mark.parametrize("interface", ["::1", "only6"])
def test_an_address_that_is_asked_for_or_the_only_one(tmp_path: Path, carrier: str, interface: str) -> None:
    ended = without_ipv6(tmp_path, f'"$1" serve --port 0 {carrier} --interface {interface}')
    [line] = ended.stderr.splitlines()
    assert "[::1]:0: Cannot assign requested address (this machine has no such address" in line
    assert ended.returncode == 1

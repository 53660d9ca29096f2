"""Machines with several addresses and links: whence an answer over UDP comes, and link-local addresses."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.live.namespaces import Namespace, namespace
from tests.live.peers import SOCKPROTO
from tests.live.server import Serve, run_twistd

ASK = """
import json, socket, sys
said = []
for own, host, port in json.loads(sys.argv[1]):
    family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout({seconds})
        if own:
            client.bind(socket.getaddrinfo(own, 0, family, socket.SOCK_DGRAM)[0][4])
        client.connect(where)  # hears nobody else from now on
        client.send(b"Michael")
        try:
            said.append(client.recv(99).decode())
        except TimeoutError:
            said.append("nothing")
print(json.dumps(said))
"""

HELLO = "Hello, Michael!"


def unanswered(network: Namespace, asked: list[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """Ask by UDP, from an address of ours or any; return those that are not answered from where was asked."""
    said = json.loads(network.run(sys.executable, "-c", ASK.format(seconds=5), json.dumps(asked)))
    return [each for each, answer in zip(asked, said, strict=True) if answer != HELLO]


@contextmanager
def linked() -> Iterator[tuple[Namespace, Namespace]]:
    """Have a server's and a client's machine with two links between them: a0 to b0, a1 to b1."""
    with namespace() as server, namespace(server) as client:
        for link in "01":
            server.ip(f"link add a{link} type veth peer name b{link} netns {client.pid}")
            for machine, name, last in (server, f"a{link}", 1), (client, f"b{link}", 2):
                machine.ip(
                    f"link set {name} addrgenmode none",
                    f"addr add 10.0.{link}.{last}/24 dev {name}",
                    f"addr add fd00:{link}::{last}/64 dev {name} nodad",
                    f"addr add fe80::{last}/64 dev {name} nodad",  # the same on both links
                    f"link set {name} up",
                )
        server.ip("addr add 10.0.0.3/24 dev a0", "addr add fd00:0::3/64 dev a0 nodad")
        for machine, name in (server, "a0"), (server, "a1"), (client, "b0"), (client, "b1"):
            machine.wait_until_up(name)
        yield server, client


IPV4 = ["10.0.0.1", "10.0.0.3", "10.0.1.1"]
IPV6 = ["fd00:0::1", "fd00:0::3", "fd00:1::1", "fe80::1%b0", "fe80::1%b1"]


@pytest.mark.parametrize("delay", [(), ("--think-seconds", "0.05")])
def test_every_address_of_every_link(serve: Serve, delay: Any) -> None:
    with linked() as (machine, client):
        server = serve("--interface", "0.0.0.0", "--udp-only", *delay, prefix=machine.prefix)
        both = serve("--interface", "::", "--udp-only", *delay, prefix=machine.prefix)
        v4, v6 = server.port_of("UDP", "0.0.0.0"), both.port_of("UDP", "[::]")
        asked = [("", host, v4) for host in IPV4] + [("", host, v6) for host in IPV4 + IPV6]
        # Addresses that are not those of the link on which it is asked.
        asked += [("10.0.0.2", "10.0.1.1", v4), ("10.0.1.2", "10.0.0.3", v6), ("fd00:0::2", "fd00:1::1", v6)]
        asked += [("fe80::2%b0", "fd00:0::3", v6)]
        assert unanswered(client, asked) == []
        # Programs of the same machine.
        asked = [("", host, v4) for host in ["127.0.0.1", "127.0.0.2", *IPV4]]
        asked += [("127.0.0.1", "10.0.0.3", v4), ("::1", "fd00:1::1", v6), ("", "fe80::1%a1", v6)]
        assert unanswered(machine, asked) == []
        server.stop()
        both.stop()


SHOUT = """
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
with socket.socket(family, socket.SOCK_DGRAM) as client:
    client.settimeout(5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    client.sendto(b"Michael", where)
    data, sender = client.recvfrom(99)
    print(data.decode(), "from", sender[0])
"""


def test_who_asks_all_machines_of_a_link(serve: Serve) -> None:
    with linked() as (machine, client):
        for interface in "0.0.0.0", "::":
            server = serve("--interface", interface, "--udp-only", prefix=machine.prefix)
            port = server.port_of("UDP", "[::]" if ":" in interface else interface)
            for host, own in [
                ("10.0.0.255", "10.0.0.1"),
                ("10.0.1.255", "10.0.1.1"),
                ("ff02::1%b1", "fe80::1"),
            ]:
                if ":" in host and ":" not in interface:
                    continue
                said = client.run(sys.executable, "-c", SHOUT, host, str(port))
                assert said == f"{HELLO} from {own}\n", (interface, host)
            server.stop()


def test_an_address_that_is_removed_before_the_answer(serve: Serve) -> None:
    with linked() as (machine, client):
        server = serve("--interface", "::", "--udp-only", "--think-seconds", "0.5", prefix=machine.prefix)
        port = server.port_of("UDP", "[::]")
        script = ASK.replace(
            'client.send(b"Michael")',
            """client.send(b"Michael")
        print(flush=True)
        sys.stdin.readline()""",
        )
        for removed, others in (("10.0.0.3/24", IPV4[:1]), ("fd00:0::3/64", IPV6[:1])):
            asked = json.dumps([("", removed.partition("/")[0], port)])
            with subprocess.Popen(
                [*client.prefix, sys.executable, "-c", script.format(seconds=1.5), asked],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as asking:
                assert asking.stdout
                asking.stdout.readline()
                machine.ip(f"addr del {removed} dev a0")
                said, _ = asking.communicate("\n")
            assert json.loads(said) == ["nothing"]
            assert unanswered(client, [("", host, port) for host in others]) == []
        server.stop()


def test_one_global_address_is_asked_from_a_link_local_one(serve: Serve) -> None:
    with linked() as (machine, client):
        server = serve("--interface", "fd00:1::1", "--udp-only", prefix=machine.prefix)
        port = server.port_of("UDP", "[fd00:1::1]")
        assert unanswered(client, [("fe80::2%b1", "fd00:1::1", port), ("", "fd00:1::1", port)]) == []
        server.stop()


def clients(machine: Namespace, where: str, protocol: str) -> None:
    """Call a server with all clients, over streams and datagrams."""
    call = {
        "greeting": ("greet", where, "Michael"),
        "echo": ("echo", where, "Michael"),
        "command": ("command", where, "/version"),
        "qotd": ("welcome", where),
    }[protocol]
    said = {"greeting": HELLO, "echo": "Michael", "command": "Demo version", "qotd": "Welcome!"}[protocol]
    for options in [], ["-u"]:
        assert said in machine.run(SOCKPROTO, *call, *options), (call, options)
        assert f"{where}: replied" in machine.run(SOCKPROTO, "probe", where, "--data", "/help\n", *options)


@pytest.mark.parametrize("protocol", ["greeting", "echo", "command", "qotd"])
def test_a_link_local_address(serve: Serve, protocol: str) -> None:
    with linked() as (machine, client):
        server = serve("--protocol", protocol, "--interface", "fe80::1%a0", prefix=machine.prefix)
        port = server.port_of("UDP", "[fe80::1%a0]")
        assert server.port_of("TCP", "[fe80::1%a0]") == port
        for network, link in (client, "b0"), (machine, "a0"):
            clients(network, f"[fe80::1%{link}]:{port}", protocol)
        server.stop()


def test_a_link_local_address_by_number(serve: Serve) -> None:
    with linked() as (machine, client):
        listen = f"udp:0:interface=fe80::1%{index_of(machine, 'a1')}"
        server = serve("--listen", listen, prefix=machine.prefix)
        port = server.port_of("UDP", "[fe80::1%a1]")
        where = f"[fe80::1%{index_of(client, 'b1')}]:{port}"
        said = client.run(SOCKPROTO, "greet", "-u", where, "Michael", "Tracy")  # from two sockets
        assert said == f"{HELLO}\nHello, Tracy!\n"
        judged = client.run(SOCKPROTO, "check", "greeting", f"udp:{where}", "--quick")
        assert re.search(r": \d+ pass, in [\d.]+ s$", judged.strip()), judged  # none is skipped
        server.stop()


def index_of(network: Namespace, name: str) -> int:
    """Return the number of an interface."""
    code = f"import socket; print(socket.if_nametoindex({name!r}))"
    return int(network.run(sys.executable, "-c", code))


@pytest.mark.parametrize(
    "options",
    [
        ("--interface", "fe80::1%nonesuch"),
        ("--interface", "fe80::1%nonesuch", "--udp-only"),
        ("--listen", "udp:0:interface=fe80::1%nonesuch"),
        ("--listen", r"tcp:0:interface=fe80\:\:1%nonesuch"),
    ],
)
def test_an_interface_that_does_not_exist(options: tuple[str, ...], tmp_path: Any) -> None:
    ended = run_twistd("-n", "--pidfile=", "sockproto", *options, directory=tmp_path)
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.endswith("this machine has no network interface 'nonesuch'"), line

"""Hosts with a dead address, and hosts whose names are not ASCII: whom commands reach, and how soon."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.machines import Machine, machine
from tests.live.peers import Ended, authority
from tests.live.server import Serve

STREAMS = (int(socket.AF_INET), int(socket.SOCK_STREAM), "127.0.0.1", 9999)
DATAGRAMS = (int(socket.AF_INET), int(socket.SOCK_DGRAM), "127.0.0.1", 9999)
SOON = 5.0
"""Seconds that no command takes, however busy the machine, unless it waits for a time-out."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    """A machine on which somebody answers at 127.0.0.1."""
    with machine(tmp_path) as made, made.answering(STREAMS, DATAGRAMS):
        yield made


def soon(ran: tuple[Ended, float], output: str) -> None:
    """See that a command succeeded without waiting for a dead address."""
    ended, seconds = ran
    assert ended.status == 0, ended
    assert output in ended.output.decode()
    assert seconds < SOON, seconds


def fails(ran: tuple[Ended, float], status: int, *told: str) -> None:
    """See that a command failed with one line."""
    ended, _ = ran
    assert ended.status == status, ended
    [line] = (ended.output.decode() + ended.errors).splitlines()
    for text in told:
        assert text in line, line


@pytest.mark.parametrize("dead", ["2001:db8::9", "192.0.2.9"])
def test_a_dead_first_address(host: Machine, dead: str) -> None:
    host.name(f"{dead} my_host", "127.0.0.1 my_host")  # with an underscore, as containers have it
    soon(host.run("fetch", "-s", "-o", "-", "http://my_host:9999/"), "Host: my_host")
    soon(host.run("-s", "-o", "-", "http://my_host:9999/", module="sockproto.rawhttp"), "Host: my_host")
    for case, *where in ("meaning.a-dialogue", "my_host:9999"), ("meaning.*", "-u", "my_host:9999"):
        soon(host.run("echo", *where, "Hi"), "Hi")
        soon(host.run("probe", *where, "--data", "Hi"), "127.0.0.1:9999: replied: b'Hi'")
        soon(host.run("check", "echo", *where, "--only", case), "1 pass")


def test_probe_tells_of_an_address_that_it_gave_up(host: Machine) -> None:
    host.name("2001:db8::9 twofold", "127.0.0.1 twofold")
    ended, _ = host.run("probe", "--json", "twofold:9999", "--data", "Hi")
    found = json.loads(ended.output)
    dead, alive = found["attempts"]
    assert (dead["address"], dead["outcome"]) == ("[2001:db8::9]:9999", "given up")
    assert (alive["address"], alive["outcome"], found["outcome"]) == ("127.0.0.1:9999", "replied", "replied")
    assert dead["connect_seconds"] >= 0.25


def test_every_address_fails_in_its_own_way(host: Machine) -> None:
    host.name("::1 twofold", "192.0.2.9 twofold", "2001:db8:1::1 nowhere", "127.0.0.1 nowhere")
    limit = ("--connect-timeout", "1")
    ended, seconds = host.run("probe", *limit, "twofold:9998")
    refused, lost = ended.output.decode().splitlines()
    assert refused.startswith("[::1]:9998: refused ECONNREFUSED")
    assert lost.startswith("192.0.2.9:9998: timed out")
    assert (ended.status, 1 <= seconds < SOON) == (28, True)
    ended, _ = host.run("probe", "nowhere:9998")
    outcomes = [line.split(": ")[1].split()[0] for line in ended.output.decode().splitlines()]
    assert (sorted(outcomes), ended.status) == (["refused", "unreachable"], 7)
    told = "[::1]:9998: Connection refused; 192.0.2.9:9998: Connection timed out"
    fails(host.run("fetch", *limit, "http://twofold:9998/"), 28, told)
    fails(host.run("check", "echo", *limit, "twofold:9998"), 28, told)
    fails(host.run("echo", "nowhere:9998", "x"), 7, "connection refused", "2001:db8:1::1", "127.0.0.1")


def test_the_time_is_for_all_of_it(host: Machine) -> None:
    host.name("2001:db8::9 dead", "192.0.2.9 dead", "2001:db8::10 dead", "192.0.2.10 dead")
    for where in "dead:9999", "asked-for.example:9999":  # the name server is dead as well
        ended, seconds = host.run("probe", "--wait", "1", where)
        assert (ended.status, seconds < SOON) == (28, True), ended
        for command in ("probe", "--connect-timeout", "1"), ("check", "echo", "--connect-timeout", "1"):
            ended, seconds = host.run(*command, where)
            assert (ended.status, seconds < SOON) == (28, True), ended
        ended, seconds = host.run("fetch", "--connect-timeout", "1", f"http://{where}/")
        assert (ended.status, seconds < SOON) == (28, True), ended


def test_probe_does_not_wait_longer_for_a_silent_server(host: Machine) -> None:
    ended, seconds = host.run("probe", "--wait", "0.5", "--reply-timeout", "30", "127.0.0.1:9999")
    assert (ended.status, seconds < SOON) == (0, True)
    assert b"connected" in ended.output


def test_names_that_are_another_host_by_idna_2003(host: Machine) -> None:
    host.name("127.0.0.1 xn--fa-hia.example", "127.0.0.66 fass.example")
    for name in "fa\xdf.example", "FA\xdf\u3002EXAMPLE":
        soon(host.run("fetch", "-s", "-o", "-", f"http://{name}:9999/"), "Host: xn--fa-hia.example")
        soon(host.run("echo", f"{name}:9999", "Hi"), "Hi")
    soon(host.run("fetch", "-s", "-o", "-", "http://fa%C3%9F.example:9999/"), "Host: xn--fa-hia.example")
    soon(host.run("echo", "-u", "fa\xdf.example:9999", "Hi"), "Hi")
    soon(host.run("echo", "tcp:host=fa\xdf.example:port=9999", "Hi"), "Hi")
    soon(host.run("probe", "fa\xdf.example:9999", "--data", "Hi"), "127.0.0.1:9999: replied: b'Hi'")
    soon(host.run("check", "echo", "-u", "fa\xdf.example:9999", "--only", "meaning.*"), "1 pass")
    ended, _ = host.run("serve", "--interface", "fa\xdf.example", "--explain")
    assert (ended.status, b"127.0.0.1" in ended.output, b"127.0.0.66" in ended.output) == (0, True, False)
    refused = host.run("http://fa\xdf.example:9999/", module="sockproto.rawhttp")
    fails(refused, 3, "fa\xdf.example may be another host", "xn--")


def test_what_is_no_name_is_no_other_host(host: Machine) -> None:
    host.name("127.0.0.1 ab.example")
    joined = "a\u200db.example"
    fails(host.run("fetch", f"http://{joined}:9999/"), 3, "no host name: a\\u200db.example")
    for command in ("probe",), ("welcome",), ("welcome", "-u"), ("check", "echo"):
        fails(host.run(*command, f"{joined}:9999"), 6, "no host name")
    fails(host.run("echo", f"tcp:host={joined}:port=9999", "x"), 6, "no host name")
    fails(host.run("serve", "--interface", joined, "--explain"), 2, "no address and no known host name")
    fails(host.run("serve", "--listen", f"tcp:0:interface={joined}", "--explain"), 2, "no host name")


def test_the_name_of_a_certificate(host: Machine, serve: Serve, tmp_path: Path) -> None:
    made = authority(tmp_path, "xn--fa-hia.example")
    host.name("2001:db8::9 xn--fa-hia.example", "127.0.0.1 xn--fa-hia.example", "127.0.0.1 fass.example")
    files = f"privateKey={made.server}:certKey={made.server}"
    server = serve(
        *("--protocol", "echo", "--listen", f"ssl:0:interface=127.0.0.1:{files}"), prefix=host.network.prefix
    )
    trust = ("--tls", "--cacert", made.issuer)
    where = f"fa\xdf.example:{server.port}"
    soon(host.run("echo", *trust, where, "Hi"), "Hi")
    soon(host.run("probe", *trust, where, "--data", "Hi"), "replied: b'Hi'")
    fails(host.run("echo", *trust, f"fass.example:{server.port}", "Hi"), 60, "not for this host")

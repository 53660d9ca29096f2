"""docs/howto/faults.md: what it shows is what comes."""

import re
import socket
import subprocess
import sys
from pathlib import Path

from sockproto.core.faults.catalog import FAULTS, SHARED
from sockproto.core.faults.spec import FaultSpec
from sockproto.server.faults import fault_help
from tests.hanging import TIMEOUT
from tests.listings import WITH_LOG, Server, installed, listings, need_nc, start

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "faults.md").read_text("utf-8")
LISTINGS = listings(PAGE)


def test_the_first_answer(tmp_path: Path) -> None:
    need_nc()
    serving, asking, *_ = LISTINGS
    with start(serving, tmp_path) as server:
        port = int(server.wait_for(r" on TCP \S+?:(\d+), with faults: ")[1])
        ran = subprocess.run(
            ["sh", "-c", asking.text.replace("9994", str(port))],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        assert ran.stdout == asking.output
        server.wait_for(re.escape("closed: fault (faults: delay, close-after)"))


def test_the_program(tmp_path: Path) -> None:
    [listing] = [each for each in LISTINGS if "EchoFactory" in each.text]
    program = tmp_path / "program.py"
    program.write_text(listing.text.replace("7777", "0"))
    with Server([sys.executable, "-u", "-c", WITH_LOG, str(program)], tmp_path) as server:
        port = int(server.wait_for(r"echo on TCP \S+?:(\d+), with faults")[1])
        ends = set()
        for _ in range(40):
            with socket.create_connection(("127.0.0.1", port), TIMEOUT) as client:
                client.sendall(b"x" * 1_500)
                client.shutdown(socket.SHUT_WR)
                said = 0
                try:
                    while data := client.recv(65_536):
                        said += len(data)
                    ends.add(("end", said))
                except ConnectionResetError:
                    ends.add(("reset", said))
        assert ends == {("end", 1_500), ("reset", 1_000)}


def test_every_fault_has_a_row_and_every_example_is_right() -> None:
    tables = PAGE.partition("## What can go wrong?")[2].partition("## Which faults")[0]
    examples = re.findall(
        r"`([a-z-]+(?:=[^`]*)?)`", " ".join(re.findall(r"^\| (`.*?) \|", tables, re.MULTILINE))
    )
    named = {example.partition("=")[0] for example in examples}
    assert named == {*FAULTS, *SHARED}
    for example in examples:
        name, marked, _ = example.partition("=")
        if marked or not (name in SHARED or FAULTS[name].form):
            FaultSpec.parsed(example if name in FAULTS else f"drip=1,{example}")


def test_help_is_that_table() -> None:
    ran = subprocess.run(
        ["sh", "-c", installed(".venv/bin/sockproto serve --fault help")],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    assert ran.stdout == fault_help() + "\n"
    for name in (*FAULTS, *SHARED):
        assert re.search(rf"^  {name}[ =\[]", ran.stdout, re.MULTILINE), name
    assert max(map(len, ran.stdout.splitlines())) <= 110

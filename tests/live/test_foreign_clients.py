"""Programs that other people wrote, as clients."""

import subprocess
from pathlib import Path

from tests.hanging import TIMEOUT
from tests.live.server import Output, Serve, need

DIALOGUE = b"Michael\nTracy\nexit\n"
ANSWERED = b"Welcome!Hello, Michael!\nHello, Tracy!\n"


def run(*command: str, stdin: bytes) -> bytes:
    """Run a client that ends by itself; return what it printed."""
    ended = subprocess.run(command, input=stdin, capture_output=True, timeout=TIMEOUT, check=False)
    assert (ended.returncode, ended.stderr) == (0, b""), ended
    return ended.stdout


def first_line(*command: str, stdin: str) -> str:
    """Return the first line that a client prints which would not end by itself."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as client:
        assert client.stdin
        assert client.stdout
        try:
            client.stdin.write(stdin)
            client.stdin.flush()
            return Output(client.stdout).wait_for(r"^.+\n")[0]
        finally:
            client.terminate()


def test_ncat(serve: Serve) -> None:
    need("ncat")
    assert run("ncat", "127.0.0.1", str(serve().port), stdin=DIALOGUE) == ANSWERED


def test_ncat_that_closes_its_end_first(serve: Serve) -> None:
    need("ncat")
    port = serve("--protocol", "echo").port
    data = bytes(range(256)) * 4096
    assert run("ncat", "127.0.0.1", str(port), stdin=data) == data


def test_ncat_over_udp(serve: Serve) -> None:
    need("ncat")
    port = serve().port
    assert first_line("ncat", "-u", "127.0.0.1", str(port), stdin="Michael\n") == "Hello, Michael!\n"


def test_ncat_that_sends_cr_lf(serve: Serve) -> None:
    need("ncat")
    port = serve("--protocol", "command").port
    said = run("ncat", "-C", "127.0.0.1", str(port), stdin=b"/version\nmessage\n/echo Repeat this\n")
    assert said == b"Demo version\n Repeat this\n"


def test_socat(serve: Serve) -> None:
    need("socat")
    assert run("socat", "-", f"TCP:127.0.0.1:{serve().port}", stdin=DIALOGUE) == ANSWERED


def test_socat_over_udp(serve: Serve) -> None:
    need("socat")
    port = serve().port
    assert first_line("socat", "-", f"UDP:127.0.0.1:{port}", stdin="Michael\n") == "Hello, Michael!\n"


def test_socat_to_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    need("socat")
    path = tmp_path / "stream"
    serve("--listen", f"unix:{path}")
    assert run("socat", "-", f"UNIX-CONNECT:{path}", stdin=DIALOGUE) == ANSWERED


def test_socat_to_a_unix_datagram_socket(serve: Serve, tmp_path: Path) -> None:
    need("socat")
    path = tmp_path / "datagrams"
    serve("--listen", f"unix-dgram:{path}")
    target = f"UNIX-SENDTO:{path},bind={tmp_path / 'client'}"
    assert first_line("socat", "-", target, stdin="Michael\n") == "Hello, Michael!\n"

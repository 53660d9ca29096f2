"""A port below 1024 is bound while there is the right, which is given up before anybody is served."""

import os
import pwd
import socket
from pathlib import Path

from tests.live.clients import ask, tcp_client, udp_client
from tests.live.server import Serve, require


def free_low_port() -> int:
    """Return a port below 1024 that is free for TCP and UDP."""
    for port in range(1023, 511, -1):
        try:
            with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
                stream.bind(("127.0.0.1", port))
                datagrams.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise AssertionError("no port below 1024 is free")


def test_bind_first_then_drop(serve: Serve, tmp_path: Path) -> None:
    require(os.geteuid() == 0, "the right of root")
    nobody = pwd.getpwnam("nobody")
    os.chmod(tmp_path, 0o777)
    port = free_low_port()
    server = serve(
        *("--protocol", "echo", "--port", str(port)),
        twistd=("--uid", str(nobody.pw_uid), "--gid", str(nobody.pw_gid)),
    )
    server.wait_for("set uid/gid")
    with tcp_client(port) as client, udp_client(port) as datagrams:
        ask(client, b"Hello", b"Hello")
        ask(datagrams, b"Hello", b"Hello")
    status = Path(f"/proc/{server.pid}/status").read_text()
    assert f"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}" in status

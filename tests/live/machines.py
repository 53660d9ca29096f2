"""A machine of a test's own: its addresses, some of which never answer, its names and its name server."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.hanging import TIMEOUT
from tests.live.namespaces import Namespace, namespace
from tests.live.peers import SOCKPROTO, Ended

DEAD = ("192.0.2.9", "192.0.2.10", "2001:db8::9", "2001:db8::10")
"""What is sent to these addresses is lost (RFC 5737 and RFC 3849)."""

MOUNT = 'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'

ANSWERING = """
import json, socket, sys, threading
listeners = []
for family, kind, host, port in json.loads(sys.argv[1]):
    sock = socket.socket(family, kind)
    sock.bind((host, port))
    kind == socket.SOCK_STREAM and sock.listen()
    listeners.append(sock)

def answer(client):
    while asked := client.recv(65536):
        if b"HTTP/" in asked:
            asked = b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(asked) + asked
        client.sendall(asked)
    client.close()

def streams(sock):
    while True:
        threading.Thread(target=answer, args=sock.accept()[:1], daemon=True).start()

def datagrams(sock):
    while True:
        sock.sendto(*sock.recvfrom(65536))

for sock in listeners:
    target = streams if sock.type == socket.SOCK_STREAM else datagrams
    threading.Thread(target=target, args=[sock], daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


class Machine:
    """A network namespace with a hosts file and a name server that never answers.

    Args:
        network: The namespace.
        directory: Where its files are.
    """

    def __init__(self, network: Namespace, directory: Path) -> None:
        self.network, self._directory = network, directory
        (directory / "resolv.conf").write_text(f"nameserver {DEAD[0]}\n")
        self.name("127.0.0.1 localhost")

    def name(self, *lines: str) -> None:
        """Have a hosts file of these lines."""
        (self._directory / "hosts").write_text("".join(f"{line}\n" for line in lines))

    def command(self, *arguments: str) -> list[str]:
        """Return what runs a command on this machine."""
        files = (str(self._directory / "hosts"), str(self._directory / "resolv.conf"))
        return [*self.network.prefix, "unshare", "--mount", "sh", "-c", MOUNT, *files, *arguments]

    def run(self, *arguments: str, module: str = "") -> tuple[Ended, float]:
        """Run our command, or a module of ours, to its end; return what it left, and how long it took."""
        program = (sys.executable, "-m", module) if module else (SOCKPROTO,)
        began = time.monotonic()
        ended = subprocess.run(
            self.command(*program, *arguments), capture_output=True, timeout=TIMEOUT, check=False
        )
        errors = ended.stderr.decode()
        assert "Traceback" not in errors, errors
        return Ended(ended.returncode, ended.stdout, errors), time.monotonic() - began

    @contextmanager
    def answering(self, *where: tuple[int, int, str, int]) -> Iterator[None]:
        """Answer there, with what was asked; each is a family, a kind, an address and a port."""
        command = self.command(sys.executable, "-c", ANSWERING, json.dumps(where))
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, text=True, **pipes) as server:
            assert server.stdin
            assert server.stdout
            try:
                assert server.stdout.readline() == "ready\n"
                yield
            finally:
                server.stdin.close()
                server.wait(TIMEOUT)


@contextmanager
def machine(directory: Path) -> Iterator[Machine]:
    """Have a machine."""
    with namespace() as network:
        network.ip(
            "link add dead type veth peer name end",
            "addr add 192.0.2.1/24 dev dead",
            "addr add 2001:db8::1/64 dev dead nodad",
            "link set end up",
            "link set dead up",
            *(f"neigh add {host} lladdr 02:00:00:00:00:99 dev dead" for host in DEAD),  # nobody's
        )
        network.wait_until_up("dead")
        yield Machine(network, directory)

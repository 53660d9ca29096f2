"""Who is measured; each peer a line of one table. A new one needs nothing else.

It knows how a server is built and started, not what it is asked::

    command = selected(["sockproto"])[0].command(directory)
    subprocess.Popen([*command, "echo"])    # and it says its port
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

from twisted.application.reactors import getReactorTypes

SERVERS = Path(__file__).with_name("servers")
STREAMS = frozenset({"echo", "lines", "command"})
EVERYTHING = STREAMS | {"udp"}


@dataclass(frozen=True)
class Peer:
    """A server to measure.

    Attributes:
        name: For ``--peer``.
        title: For people.
        server: Its file in ``servers``: C or Go, or the name of a module.
        options: What the module is given besides the kind.
        needs: The package that must be there.
        reactor: The reactor of Twisted that must be there.
        kinds: What it can be.
        most: The connections that are asked of it at most.
        ours: Whether it is sockproto, whole or in part.
    """

    name: str
    title: str
    server: str
    options: tuple[str, ...] = ()
    needs: str = ""
    reactor: str = ""
    kinds: frozenset[str] = EVERYTHING
    most: int = 1_000_000
    ours: bool = False

    def lack(self) -> str:
        """Tell what is missing, in words; nothing if it can be measured."""
        compiler = {".c": "cc", ".go": "go"}.get(Path(self.server).suffix)
        if compiler and shutil.which(compiler) is None:
            return f"there is no {compiler}"
        if self.needs and find_spec(self.needs) is None:
            return f"there is no {self.needs}: pip install -e '.[bench]'"
        if self.reactor and all(kind.shortName != self.reactor for kind in getReactorTypes()):
            return f"Twisted finds no reactor {self.reactor!r}"
        return ""

    def command(self, directory: Path) -> list[str]:
        """Return what starts it, for a kind to follow; what is to be compiled goes into *directory*."""
        source = SERVERS / self.server
        program = directory / source.stem
        if source.suffix == ".c":
            return [str(compiled(source, program))]
        if source.suffix == ".go":
            if not program.exists():
                build(["go", "build", "-o", str(program), str(source)])
            return [str(program)]
        module = f"{__package__}.servers.{self.server}"
        reactor = ("--reactor", self.reactor) if self.reactor else ()
        return [sys.executable, "-m", module, *self.options, *reactor]


def compiled(source: Path, program: Path) -> Path:
    """Compile a program in C, unless that is done."""
    if not program.exists():
        build(["cc", "-O2", "-o", str(program), str(source)])
    return program


def build(command: list[str]) -> None:
    """Run a compiler.

    Raises:
        SystemExit: It is not there, or finds fault.
    """
    if shutil.which(command[0]) is None:
        raise SystemExit(f"there is no {command[0]}; install it (Debian: gcc, libc6-dev, golang)")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")


def twisted(
    name: str, title: str, what: str, transport: str, reactor: str = "epoll", ours: bool = True
) -> Peer:
    """Describe a server on Twisted: what it is, and on which transport: ``stock`` or ``ours``."""
    options = ("--what", what, "--transport", transport)
    return Peer(name, title, "twisted_server", options, reactor=reactor, ours=ours)


PEERS = [
    Peer("c", "C, epoll", "epoll_server.c"),
    Peer("go", "Go", "server.go"),
    Peer("uvloop", "uvloop", "loop_server", ("--loop", "uvloop"), needs="uvloop"),
    Peer("asyncio", "asyncio protocols", "loop_server"),
    Peer("streams", "asyncio streams", "loop_server", ("--streams",), kinds=STREAMS),
    Peer("gevent", "gevent", "gevent_server", needs="gevent"),
    Peer("threads", "socketserver threads", "thread_server", most=5_000),
    twisted("twisted", "stock Twisted", "bare", "stock", ours=False),
    twisted("twisted-lean", "bare Protocol, our reactor", "bare", "stock", "sockproto"),
    twisted("bare", "bare Protocol, our transport", "bare", "ours"),
    twisted("bare-lean", "bare Protocol, our transport and reactor", "bare", "ours", "sockproto"),
    twisted("sockproto", "sockproto", "whole", "ours"),
    twisted("sockproto-lean", "sockproto, our reactor", "whole", "ours", "sockproto"),
    twisted("sockproto-operated", "sockproto, with all that operates it", "operated", "ours"),
]


def selected(patterns: Sequence[str]) -> list[Peer]:
    """Return the peers whose names match one of the patterns; all if there are none.

    Raises:
        ValueError: A pattern matches none.
    """
    for pattern in patterns:
        if not any(fnmatchcase(peer.name, pattern) for peer in PEERS):
            raise ValueError(f"no peer {pattern!r}: {', '.join(peer.name for peer in PEERS)}")
    return [peer for peer in PEERS if not patterns or any(fnmatchcase(peer.name, p) for p in patterns)]

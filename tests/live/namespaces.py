"""Networks of a test's own: namespaces with interfaces and addresses that nobody else has."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.hanging import TIMEOUT
from tests.live.peers import wait_until
from tests.live.server import need, require


class Namespace(NamedTuple):
    """A network namespace.

    Attributes:
        pid: Of a process in it.
        prefix: What comes before a command that is to run in it.
    """

    pid: int
    prefix: tuple[str, ...]

    def run(self, *command: str) -> str:
        """Run a command in it, which must succeed; return what it printed."""
        ran = subprocess.run(
            [*self.prefix, *command], capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        assert not ran.returncode, f"{command}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def ip(self, *lines: str) -> None:
        """Run several commands of ip(8)."""
        for line in lines:
            self.run("ip", *line.split())

    def wait_until_up(self, interface: str) -> None:
        """Wait until an interface sends: for a moment after ``ip link set … up`` it drops all instead."""
        link, routes = f"ip link show dev {interface}", f"ip -6 route show table all dev {interface}"
        wait_until(lambda: "state UP" in self.run(*link.split()), f"{interface} is not up")
        wait_until(lambda: "ff00::/8" in self.run(*routes.split()), f"{interface} has no routes")


@contextmanager
def namespace(inside: Namespace | None = None) -> Iterator[Namespace]:
    """Have a namespace, with a loopback interface that is up.

    Args:
        inside: Another one, whose processes may put interfaces into it.
    """
    for program in "unshare", "nsenter", "ip":
        need(program)
    user = [] if inside or os.geteuid() == 0 else ["--user", "--map-root-user"]
    prefix = inside.prefix if inside else ()
    make = [*prefix, "unshare", *user, "--net"]
    may = subprocess.run([*make, "true"], capture_output=True, timeout=TIMEOUT, check=False)
    require(not may.returncode, "the right to make a network namespace")
    with subprocess.Popen(
        [*make, "sh", "-c", "ip link set lo up && echo ready && exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:  # ends with its standard input
        assert holder.stdin
        assert holder.stdout
        try:
            assert holder.stdout.readline() == "ready\n"
            enter = [f"--net=/proc/{holder.pid}/ns/net"]
            if user or (inside and "--preserve-credentials" in inside.prefix):
                enter += ["--preserve-credentials", f"--user=/proc/{holder.pid}/ns/user"]
            yield Namespace(holder.pid, ("nsenter", *enter))
        finally:
            holder.stdin.close()
            holder.wait(TIMEOUT)

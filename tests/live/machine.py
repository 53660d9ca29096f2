"""A machine of the test's own: processes, mounts, network and cgroup under a systemd of its own.

Of this machine's units it has only the few that a service needs, so that nothing else is started.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hanging import TIMEOUT
from tests.live.peers import wait_until
from tests.live.server import need

ROOT = Path(__file__).parents[2]
UNITS = Path("/usr/lib/systemd/system")
NEEDED = (
    *("basic.target", "multi-user.target", "network.target", "shutdown.target", "sockets.target"),
    *("sysinit.target", "systemd-journald.service", "systemd-journald.socket"),
)

# Our code is where the units look for it, and not where PrivateTmp= and ProtectHome= hide it.
BOOT = """
set -e
mount --make-rprivate /
mount --make-rshared /
ip link set lo up
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /opt
mount -t tmpfs tmpfs /var/log
umount --lazy /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /opt/python /opt/tree /opt/packages /opt/sockproto/bin /run/none
mount --bind {prefix} /opt/python
mount --bind {root} /opt/tree
mount --bind {packages} /opt/packages
mount --bind {lib} /usr/lib/systemd/system
mount --bind /run/none /usr/lib/systemd/system-generators
mkdir -p /run/etc/upper /run/etc/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work overlay /etc
rm -rf /etc/systemd/system
cp -r {own} /etc/systemd/system
tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
cat >/opt/sockproto/bin/sockproto <<'END'
#!/bin/sh
export LD_LIBRARY_PATH=/opt/python/lib PYTHONPATH=/opt/tree:/opt/packages
exec /opt/python/bin/{python} -m sockproto "$@"
END
chmod 755 /opt/sockproto/bin/sockproto
exec env -i PATH="$PATH" container=test /usr/lib/systemd/systemd --system --unit=basic.target --show-status=0
"""


class Machine(NamedTuple):
    """What a systemd runs.

    Attributes:
        pid: Of that systemd.
    """

    pid: int

    @property
    def prefix(self) -> tuple[str, ...]:
        """What comes before a command that is to run there."""
        return ("nsenter", f"--target={self.pid}", "--all")

    def run(self, *command: str) -> str:
        """Run a command there, which must succeed; return what it printed."""
        ran = subprocess.run(
            [*self.prefix, *command], capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        assert not ran.returncode, f"{command}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def property_of(self, unit: str, name: str) -> str:
        """Return what systemd knows of a unit."""
        return self.run("systemctl", "show", f"--property={name}", "--value", unit).strip()

    def log_of(self, unit: str) -> str:
        """Return what a unit has written."""
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}")


@contextmanager
def machine(directory: Path, units: Sequence[Path]) -> Iterator[Machine]:
    """Boot a machine with these units, none of which is started; skip the test where that can't be."""
    for program in "setpriv", "unshare", "nsenter", "ip", "systemctl", "journalctl":
        need(program)
    own, lib = directory / "own", directory / "lib"
    for target, sources in (own, units), (lib, [UNITS / name for name in NEEDED]):
        target.mkdir()
        for source in sources:
            shutil.copy(source, target)
    with _cgroup() as cgroup, _booted(_script(own, lib), cgroup) as there:
        there.run("systemctl", "start", "systemd-journald.socket")
        yield there


def _script(own: Path, lib: Path) -> str:
    """Return what makes the machine's file system, and ends as its systemd."""
    return BOOT.format(
        own=own,
        lib=lib,
        root=ROOT,
        packages=next(path for path in sys.path if path.endswith("site-packages")),
        prefix=sys.base_prefix,
        python=f"python{sys.version_info.major}.{sys.version_info.minor}",
    )


@contextmanager
def _booted(script: str, cgroup: Path) -> Iterator[Machine]:
    enter = ("sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(cgroup))
    spaces = ("--pid", "--mount-proc", "--mount", "--cgroup", "--uts", "--ipc", "--net")
    with subprocess.Popen(
        [
            *("setpriv", "--pdeathsig=KILL", *enter),
            *("unshare", *spaces, "--fork", "--kill-child", "sh", "-c", script),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            wait_until(lambda: process.poll() is not None or children.read_text(), "nothing was booted")
            if process.poll() is None:
                there = Machine(int(children.read_text()))
                wait_until(lambda: process.poll() is not None or _is_up(there), "systemd does not come up")
            if process.poll() is not None:
                pytest.skip(f"no systemd of a test's own can run here: {process.communicate()[1]}")
            yield there
        finally:
            process.kill()


def _is_up(there: Machine) -> bool:
    command = [*there.prefix, "systemctl", "is-active", "basic.target"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout == "active\n"


@contextmanager
def _cgroup() -> Iterator[Path]:
    """Make a cgroup; it and those below it are removed once their processes have ended."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    where = next((Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"), None)
    if where is None or not os.access(where, os.W_OK):
        pytest.skip("this machine gives no cgroup to a systemd of the test's own")
    made = where / f"sockproto-{os.getpid()}"
    made.mkdir()
    try:
        yield made
    finally:
        events = made / "cgroup.events"
        wait_until(lambda: "populated 0" in events.read_text(), "the machine is still there")
        for below in sorted(made.glob("**/"), reverse=True):
            below.rmdir()

"""What a Containerfile says, done without an engine: an image's /opt is a directory that begins empty.

All else of the file system is this machine's, its Python too, and no other user is taken.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.hanging import TIMEOUT
from tests.live.server import need, require

IN_THE_IMAGE = 'mount --bind "$0" /opt && cd "$1" && shift && exec "$@"'


def instructions(file: Path) -> Iterator[tuple[str, str]]:
    """Yield each instruction of a Containerfile, and what it is given."""
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


class Image:
    """The last image that a Containerfile makes.

    Args:
        file: The Containerfile.
        context: The directory that it copies from.
        directory: Where the images go.

    Attributes:
        command: What it runs.
        healthcheck: What tells by its exit status whether that is well.
    """

    command: Sequence[str] = ()
    healthcheck: Sequence[str] = ()

    def __init__(self, file: Path, context: Path, directory: Path) -> None:
        need("unshare")
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        mounts = ["unshare", *user, "--mount"]
        may = subprocess.run([*mounts, "true"], capture_output=True, timeout=TIMEOUT, check=False)
        require(not may.returncode, "the right to a namespace of mounts")
        for word, rest in instructions(file):
            if word == "FROM":
                self._begin(directory / rest.rpartition(" ")[2].replace("/", "-"))
            elif word == "WORKDIR":
                self._workdir = rest
                self._path(rest).mkdir()
            elif word == "ENV":
                self._variables += shlex.split(rest)
            elif word == "COPY":
                self._copy(context, directory, shlex.split(rest))
            elif word == "RUN":
                subprocess.run([*mounts, *self.inside(["sh", "-c", rest])], timeout=TIMEOUT, check=True)
            elif word in {"ENTRYPOINT", "CMD"}:
                self.command = [*self.command, *json.loads(rest)]
            elif word == "HEALTHCHECK":
                self.healthcheck = json.loads(rest.partition("CMD ")[2])
            else:
                assert word in {"USER", "EXPOSE", "STOPSIGNAL"}, word  # they start nothing

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return a command for a namespace of mounts, which runs there what it is given."""
        variables = [value.replace("$PATH", os.environ["PATH"]) for value in self._variables]
        return ["sh", "-c", IN_THE_IMAGE, str(self._opt), self._workdir, "env", *variables, *command]

    def _begin(self, opt: Path) -> None:
        opt.mkdir()
        self._opt = opt
        self._workdir = "/"
        # An image of Python has it as "python".
        self._variables = [f"PATH={Path(sys.executable).parent}:$PATH"]

    def _path(self, name: str) -> Path:
        """Return where something of the image is here; names are relative to its working directory."""
        return self._opt / Path("/", self._workdir, name).relative_to("/opt")

    def _copy(self, context: Path, directory: Path, words: Sequence[str]) -> None:
        *sources, target = words
        if sources[0].startswith("--from="):
            made = directory / sources[0].removeprefix("--from=") / Path(sources[1]).relative_to("/opt")
            shutil.copytree(made, self._path(target), symlinks=True)
            return
        for name in sources:
            source = context / name
            if source.is_dir():
                shutil.copytree(source, self._path(target))
            else:
                shutil.copy(source, self._path(target))

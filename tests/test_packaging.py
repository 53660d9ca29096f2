"""The wheel, the editable install, the README's two commands and docs/howto/install.md.

Each runs in an environment made for it.

Nothing here needs a network but pip, which is left to find its packages as this environment tells it.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from sockproto.server.options import LOOPBACK
from tests.docs.test_readme import INSTALLS, ROOT
from tests.examples import page
from tests.listings import SCRIPTS, Server, exchange, listings, local, need_nc

pytestmark = pytest.mark.long
MINUTES = 300.0  # what pip may take on a slow line
PLUGINS = ["sockproto", "sockproto-command", "sockproto-echo", "sockproto-greeting"]
LEFT_OUT = shutil.ignore_patterns(
    ".*", "build", "dist", "*.egg-info", "__pycache__", "_trial_temp*", "twistd.*", "*.sock*"
)


def run(*command: str | Path, directory: Path) -> str:
    """Run a program to its end and give what it printed; it must be content."""
    ran = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=MINUTES, env=environment()
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def environment() -> dict[str, str]:
    """Return this process's environment; its Python is python3, and nothing points Python to the checkout."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    return {**kept, "PATH": f"{SCRIPTS}{os.pathsep}{kept['PATH']}"}


def plugins(venv: Path, elsewhere: Path) -> list[str]:
    """Return our commands of those that ``twistd --help`` lists, asked from another directory."""
    listed = run(venv / "bin" / "twistd", "--help", directory=elsewhere).splitlines()
    names = [line.split()[0] for line in listed if line.startswith("    ") and line.strip()]
    assert "web" in names or "dns" in names or "ftp" in names, listed  # Twisted's own
    return sorted(name for name in names if name.startswith("sockproto"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources, with nothing that was built before."""
    return Path(shutil.copytree(ROOT, tmp_path / "tree", ignore=LEFT_OUT))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory that has nothing to do with the sources."""
    path = tmp_path / "elsewhere"
    path.mkdir()
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel."""
    root = tmp_path_factory.mktemp("wheel")
    copied = shutil.copytree(ROOT, root / "tree", ignore=LEFT_OUT)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", root / "dist", copied, directory=root)
    [wheel] = (root / "dist").glob("sockproto-*.whl")
    return wheel


@pytest.fixture(scope="module")
def clean(wheel: Path) -> Path:
    """An environment that has the wheel and what that needs; the last test removes it from there."""
    venv = wheel.parent.parent / "clean"
    run(sys.executable, "-m", "venv", venv, directory=wheel.parent)
    run(venv / "bin" / "python", "-m", "pip", "install", "-q", wheel, directory=wheel.parent)
    return venv


def test_what_the_wheel_holds(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"sockproto/py.typed", "sockproto/check/report.css", "twisted/plugins/sockproto_plugin.py"}
    assert wanted <= names
    assert {name.split("/")[0].removesuffix(".dist-info").split("-")[0] for name in names} == {
        "sockproto",
        "twisted",
    }
    assert [name for name in names if name.startswith("twisted/")] == ["twisted/plugins/sockproto_plugin.py"]
    assert [name for name in names if name.endswith("LICENSE")]


def test_the_wheel_in_a_clean_environment(clean: Path, elsewhere: Path) -> None:
    assert plugins(clean, elsewhere) == PLUGINS
    asked = "import sockproto; print(sockproto.EchoFactory.__name__, sockproto.__file__)"
    name, where = run(clean / "bin" / "python", "-c", asked, directory=elsewhere).split()
    assert name == "EchoFactory"
    assert Path(where).is_relative_to(clean)
    assert (Path(where).parent / "py.typed").exists()


def test_a_package_beside_it_is_served(clean: Path, tree: Path, elsewhere: Path) -> None:
    """The thermostat of examples/, as docs/howto/examples.md installs, serves and uses it."""
    need_nc()
    installing, serving, *clients = [
        listing._replace(text=listing.text.replace(".venv/bin/", f"{clean}/bin/"))
        for listing in page("thermostat")
    ]
    assert (installing.kind, serving.kind) == ("install", "server")
    run("sh", "-c", installing.text, directory=tree)
    run(clean / "bin" / "python", "-m", "pip", "check", directory=elsewhere)
    with Server(local(serving.text), tree) as server:
        for client in clients:
            ran = client.run(server)
            assert (ran.stdout, ran.stderr) == (client.output, "")
    twistd = (clean / "bin" / "twistd", "sockproto", "--help")
    assert "--target= thermostat: " in " ".join(run(*twistd, directory=elsewhere).split())
    run(clean / "bin" / "pip", "uninstall", "-q", "-y", "sockproto-thermostat", directory=elsewhere)
    assert "thermostat" not in run(*twistd, directory=elsewhere)


def test_nothing_is_left_of_it_in_the_end(clean: Path, elsewhere: Path) -> None:
    python = clean / "bin" / "python"
    run(python, "-m", "pip", "uninstall", "-q", "-y", "sockproto", directory=elsewhere)
    assert plugins(clean, elsewhere) == []
    run(python, "-c", "import twisted.plugins, twisted.internet.reactor", directory=elsewhere)
    assert run(python, "-m", "pip", "check", directory=elsewhere).strip() == "No broken requirements found."


def test_the_tests_run_as_the_readme_says(elsewhere: Path) -> None:
    """CI's first steps are the README's second command; this is its environment, or one made like it."""
    install, _, test = INSTALLS[1].rpartition(" && ")
    steps = (ROOT / ".ci" / "run").read_text("utf-8").replace(" install -q ", " install ")
    assert f"\n{install}\n" in steps
    assert re.search(rf"^{re.escape(test)}( |$)", steps, re.MULTILINE)
    assert "python -m twisted.trial tests`" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert re.search(r" -m twisted\.trial .* tests$", steps, re.MULTILINE)
    assert plugins(Path(sys.prefix), elsewhere) == PLUGINS


def serves_as_the_readme_says(installed: str, tree: Path) -> None:
    """Do the rest of the README's first command; it begins with what was just done."""
    install, _, serve = INSTALLS[0].rpartition(" && ")
    assert install == installed.strip()
    with Server(serve.replace("9999", "0"), tree) as server:
        assert exchange((LOOPBACK, server.tcp_port()), b"Michael") == b"Welcome!Hello, Michael!"
    assert not (tree / "twistd.pid").exists()


def test_the_ways_to_install(tree: Path) -> None:
    """The commands of docs/howto/install.md, in the order in which they stand there.

    The first of them is the README's, which serves besides.
    """
    page = (ROOT / "docs" / "howto" / "install.md").read_text("utf-8")
    commands = [listing.text for listing in listings(page)]
    assert [re.findall(r"-m build|whl|tar\.gz|@ file|--version", each) for each in commands] == [
        [],
        [],
        ["-m build"],
        ["whl"],
        ["tar.gz"],
        ["@ file"],
        ["--version"],
    ]
    (tree / "elsewhere").mkdir()
    for number, command in enumerate(commands[:-1]):
        if number:  # what it needs stays there, as pip takes its time for that
            pip = (tree / ".venv" / "bin" / "python", "-m", "pip")
            run(*pip, "uninstall", "-q", "-y", "sockproto", directory=tree)
            shutil.rmtree(tree / "build", ignore_errors=True)
        run("sh", "-c", command.replace("/path/to/sockproto", str(tree)), directory=tree)
        if "-m build" not in command:
            assert plugins(tree / ".venv", tree / "elsewhere") == PLUGINS
        if not number:
            serves_as_the_readme_says(command, tree)
    said = run("sh", "-c", commands[-1], directory=tree)
    assert said == f"sockproto {version('sockproto')}\n"

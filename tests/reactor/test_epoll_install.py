"""How the lean reactor comes to be the one of a process: each test has a process of its own."""

import re
import select

from twisted.trial.unittest import SkipTest, TestCase

from tests.docs.test_docs import PAGES
from tests.test_structure import run

if not hasattr(select, "epoll"):
    raise SkipTest("there is no epoll")


class InstallTests(TestCase):
    def test_importing_it_installs_nothing(self) -> None:
        code = "import sys, sockproto.reactor.epoll; print('twisted.internet.reactor' in sys.modules)"
        self.assertEqual(run(code).strip(), "False")

    def test_it_is_installed_as_the_page_says(self) -> None:
        [code] = re.findall(r"`(from sockproto\.reactor\.epoll .+?)`", PAGES["reactor.md"])
        code += "\nfrom twisted.internet import reactor; print(type(reactor).__name__)"
        self.assertEqual(run(code).strip(), "LeanEPollReactor")

    def test_it_does_not_replace_another(self) -> None:
        code = (
            "from twisted.internet import reactor, error\nfrom sockproto.reactor.epoll import install\n"
            "try: install()\nexcept error.ReactorAlreadyInstalledError: print('no')"
        )
        self.assertEqual(run(code).strip(), "no")

    def test_the_plugin_loads_nothing_of_ours_before_it_is_chosen(self) -> None:
        code = (
            "import sys, twisted.plugins.sockproto_plugin as plugin\n"
            "print([name for name in sys.modules if name.startswith('sockproto')], end=' ')\n"
            "plugin.SOCKPROTO_REACTOR.install()\n"
            "from twisted.internet import reactor; print(type(reactor).__name__)"
        )
        self.assertEqual(run(code).strip(), "[] LeanEPollReactor")

    def test_serving_without_epoll_is_left_to_twisted(self) -> None:
        code = (
            "import select, sys; {}\nfrom sockproto.cli.serving import install_reactor; install_reactor()\n"
            "print(*sorted({{'sockproto.reactor.epoll', 'twisted.internet.reactor'}} & set(sys.modules)))"
        )
        found = [run(code.format(change)).strip() for change in ("", "del select.epoll")]
        self.assertEqual(found, ["sockproto.reactor.epoll twisted.internet.reactor", ""])
        chosen = run(code.format("from twisted.internet import reactor")).strip()
        self.assertEqual(chosen, "twisted.internet.reactor")

"""Protocols of other packages: which are found, and which are not, and why."""

import sys
from dataclasses import replace
from typing import Any, ClassVar

from twisted.plugin import IPlugin, getPlugins
from zope.interface.verify import verifyObject

from sockproto import protocols
from sockproto.interfaces import IProtocolDefinition
from sockproto.server.catalog import definitions
from sockproto.server.options import ServerOptions
from sockproto.server.tap import makeService, options_for
from sockproto.testing import DatagramNetwork, connect
from tests.plugins import OURS, PluginsTestCase, shout


class FindingTests(PluginsTestCase):
    def test_a_definition_in_a_plugin_module_is_found_after_ours(self) -> None:
        catalog = self.search(zebra=shout(name="'another'"), ape=shout())
        self.assertEqual(list(catalog.definitions), [*OURS, "another", "shout"])
        self.assertEqual(list(definitions()), [*OURS, "another", "shout"])
        self.assertEqual(catalog.broken, ())
        found = catalog.found[-1]
        path = self.root / "twisted" / "plugins" / "ape.py"
        self.assertEqual((found.module, found.file), ("twisted.plugins.ape", str(path)))
        self.assertEqual(catalog.found[0].module, "sockproto.protocols.chargen")
        self.assertTrue(str(catalog.found[0].file).endswith("chargen.py"))

    def test_twisted_finds_it_too(self) -> None:
        definition = self.search(ape=shout()).definitions["shout"]
        verifyObject(IPlugin, definition)
        verifyObject(IProtocolDefinition, definition)
        self.assertEqual([plugin.name for plugin in getPlugins(IProtocolDefinition)], ["shout"])

    def test_searching_writes_no_cache(self) -> None:
        self.search(ape=shout())
        self.assertEqual(list(self.root.rglob("dropin.cache")), [])

    def test_one_definition_in_several_places_is_one(self) -> None:
        again = "from twisted.plugins.ape import *\nTWICE = DEFINITION\n"
        ours = "from sockproto.protocols.echo import DEFINITION\n"
        catalog = self.search(ape=shout(), bee=again, cat=ours)
        self.assertEqual((list(catalog.definitions), catalog.broken), ([*OURS, "shout"], ()))
        self.assertEqual(catalog.found[-1].module, "twisted.plugins.ape")

    def test_a_module_that_declares_no_protocol_is_none_of_ours(self) -> None:
        self.assertEqual(self.reasons(ape="from sockproto import ProtocolDefinition\nX = 1\n"), [])

    def test_one_file_of_sockprotos_own_folder_is_a_protocol(self) -> None:
        folder = self.root / "protocols"
        folder.mkdir()
        (folder / "yodel.py").write_text(shout(name="'yodel'"))
        self.patch(protocols, "__path__", [*protocols.__path__, str(folder)])
        self.addCleanup(sys.modules.pop, "sockproto.protocols.yodel")
        self.addCleanup(delattr, protocols, "yodel")
        catalog = self.search()
        self.assertEqual([*catalog.definitions], [*OURS, "yodel"])
        self.assertEqual((catalog.found[-1].module, catalog.broken), ("sockproto.protocols.yodel", ()))
        options = options_for("yodel")()
        options.parseOptions(["--marks", "2", "--framing", "strict", "--tcp-only"])
        [listener] = makeService(options).listeners
        remote = connect(listener.server)
        remote.send(b"a\n")
        self.assertEqual(remote.read(), b"A!!\n")
        remote.close()


class PreparedTests(PluginsTestCase):
    def test_what_is_prepared_is_shared_by_the_listeners_of_a_server(self) -> None:
        prepare = "lambda marks=1: {'marks': marks * 2}"
        definition = self.search(ape=shout(prepare=prepare)).definitions["shout"]
        calls: list[dict[str, int]] = []

        def counted(**values: int) -> Any:
            calls.append(values)
            return definition.prepare(**values)

        class Shouting(ServerOptions):
            optParameters: ClassVar[list[list[Any]]] = [["marks", None, None, ""]]

        Shouting.definition = replace(definition, prepare=counted)
        Shouting.offered = (definition,)
        options = Shouting()
        options.parseOptions(["--marks", "3"])
        self.assertEqual(calls, [{"marks": 3}])
        stream, datagrams = (listener.server for listener in options.listeners or ())
        remote = connect(stream)
        remote.send(b"a\r\n")
        self.assertEqual(remote.read(), b"A!!!!!!\r\n")
        remote.close()
        network = DatagramNetwork()
        network.listenUDP(7, datagrams, "192.0.2.1")
        asking = network.remote()
        asking.send(b"a", ("192.0.2.1", 7))
        self.assertEqual(asking.read(), [b"A!!!!!!"])

    def test_commands_of_nobody(self) -> None:
        for part, value in (
            ("factory", "sockproto.CommandFactory"),
            ("conversation", "type('Set', BASES, {})"),
        ):
            self.forget()
            source = "import sockproto\nBASES = (sockproto.CommandSet,)\n" + shout(**{part: value})
            [reason] = self.reasons(ape=source)
            self.assertIn("make the definition by command_definition()", reason)

    def test_nothing_is_prepared_that_is_not_served(self) -> None:
        self.assertEqual(self.search(ape=shout(prepare="lambda: 1 / 0")).broken, ())


class BrokenTests(PluginsTestCase):
    def test_a_module_that_can_t_be_imported(self) -> None:
        for source, reason in [
            ("import nonesuch", "ModuleNotFoundError: No module named 'nonesuch'"),
            ("raise SystemExit(3)", "SystemExit: 3"),
            ("raise ValueError", "ValueError"),
            ("raise ValueError('two\\nlines \\x1b[31m \\udcff')", r"ValueError: two\nlines \x1b[31m \udcff"),
            ("class E(Exception):\n    __str__ = None\nraise E", "E"),
            ("x = (", "SyntaxError: '(' was never closed (ape.py, line 1)"),
        ]:
            self.assertEqual(
                self.reasons(ape=source), [f"twisted.plugins.ape can't be imported: {reason}"], source
            )

    def test_its_name_is_printable_too(self) -> None:
        [broken] = self.search(**{"bro\x1b[2Jken": "import nonesuch"}).broken
        self.assertEqual(broken.module, "twisted.plugins.bro\x1b[2Jken")
        self.assertEqual(str(broken).split(" ")[0], r"twisted.plugins.bro\x1b[2Jken")

    def test_a_plugin_directory_that_is_a_package(self) -> None:
        self.patch(sys, "path", [*sys.path, str(self.root)])
        plugins = self.root / "twisted" / "plugins"
        catalog = self.search(ape=shout())
        (plugins / "__init__.py").touch()
        [broken] = self.search().broken
        self.assertEqual(catalog.broken, ())
        self.assertEqual(str(broken), f"{plugins} is no plugin directory: remove its __init__.py")

    def test_where_it_is(self) -> None:
        catalog = self.search(ape="import nonesuch", bee=shout(name="'Shout'"))
        files = [str(self.root / "twisted" / "plugins" / f"{name}.py") for name in ("ape", "bee")]
        self.assertEqual([each.file for each in catalog.broken], files)

    def test_the_others_are_found_all_the_same(self) -> None:
        catalog = self.search(ape="import nonesuch", bee=shout(), cat=shout(name="'Shout'"))
        self.assertEqual(list(catalog.definitions), [*OURS, "shout"])
        modules = [each.module for each in catalog.broken]
        self.assertEqual(modules, ["twisted.plugins.ape", "twisted.plugins.cat"])

    def test_ctrl_c_while_one_is_imported_is_ctrl_c(self) -> None:
        self.assertRaises(KeyboardInterrupt, self.search, ape="raise KeyboardInterrupt")

    def test_a_name_that_is_taken(self) -> None:
        catalog = self.search(bee=shout(description="'second'"), ape=shout(description="'first'"))
        self.assertEqual(catalog.definitions["shout"].description, "first")
        self.assertEqual(
            [str(each) for each in catalog.broken],
            [
                "twisted.plugins.bee has a definition that can't be used: "
                "the name 'shout' is taken by twisted.plugins.ape"
            ],
        )

    def test_ours_win(self) -> None:
        ours = definitions()["echo"]
        catalog = self.search(ape=shout(name="'echo'"))
        self.assertIs(catalog.definitions["echo"], ours)
        [broken] = catalog.broken
        self.assertIn("the name 'echo' is taken by sockproto.protocols.echo", broken.reason)

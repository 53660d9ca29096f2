"""What the admin site tells, in memory; and what nobody can make it do."""

import json
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from sockproto import AdminResource
from sockproto.admin.counted import WITH_ITS_PROCESS, counters, merged, snapshot
from sockproto.admin.resource import HEADERS
from sockproto.admin.site import IDLE_SECONDS, LIFETIME_SECONDS, MAX_CONNECTIONS, AdminSite
from sockproto.core.limits import Limits
from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory
from sockproto.server.listeners import Listener
from sockproto.server.service import ServerService
from sockproto.testing import connect


class Port:
    def getHost(self) -> None:
        """Return no address."""

    def stopListening(self) -> None:
        """Stop."""


class AdminTestCase(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.echo = EchoFactory(clock=self.clock, limits=Limits(max_connections=2))
        datagrams = EchoDatagramProtocol(clock=self.clock)
        self.service = ServerService(
            [
                Listener("echo", "memory", self.echo, lambda *_: succeed(Port())),
                Listener("echo", "datagrams", datagrams, lambda *_: succeed(Port()), datagrams=True),
            ],
            self.clock,
        )
        self.site = AdminSite(self.service, self.clock)
        self.site.startFactory()
        self.addCleanup(self.site.stopFactory)

    def ask(self, path: str, *headers: str, method: str = "GET", site: Any = None) -> tuple[int, str, str]:
        """Ask the site; return the status, the headers and the body."""
        client = connect(site or self.site)
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
        client.send("\r\n".join([*lines, "", ""]).encode())
        head, _, body = client.read_to_end().decode().partition("\r\n\r\n")
        return int(head.split()[1]), head, body

    def metrics(self) -> dict[tuple[str, str], float]:
        """Return the value of each metric, by its name and its labels besides the protocol's."""
        _, _, body = self.ask("/metrics")
        found = {}
        for family in text_string_to_metric_families(body):
            for name, labels, value, *_ in family.samples:
                others = (labels[each] for each in ("listener", "reason", "worker", "le") if each in labels)
                found[name, " ".join(others)] = value
        return found


class HealthTests(AdminTestCase):
    def test_it_is_healthy_before_it_is_ready(self) -> None:
        self.assertEqual(self.ask("/healthz")[::2], (200, "ok\n"))
        self.assertEqual(self.ask("/readyz")[::2], (503, "not ready\n"))
        self.service.startService()
        self.assertEqual(self.ask("/readyz")[::2], (200, "ready\n"))
        self.service.stopService()
        self.assertEqual(self.ask("/readyz")[0], 503)
        self.assertEqual(self.ask("/healthz")[0], 200)

    def test_head(self) -> None:
        status, head, body = self.ask("/healthz", method="HEAD")
        self.assertEqual((status, body), (200, ""))
        self.assertIn("Content-Length: 3", head)

    def test_other_methods_and_paths(self) -> None:
        self.assertEqual(self.ask("/healthz", "Content-Length: 0", method="POST")[0], 405)
        for path in ("/nowhere", "/healthz/more", "/../etc/passwd"):
            self.assertEqual(self.ask(path)[0], 404)

    def test_every_answer_has_the_headers_of_the_page(self) -> None:
        root = Resource()
        root.putChild(b"admin", AdminResource(self.service))
        embedded = Site(root, reactor=self.clock)
        embedded.startFactory()
        self.addCleanup(embedded.stopFactory)
        for status, path, method, site in (
            (200, "/", "GET", None),
            (200, "/metrics", "GET", None),
            (200, "/counters", "HEAD", None),
            (503, "/readyz", "GET", None),
            (404, "/nowhere", "GET", None),
            (404, "/nowhere/at/all", "POST", None),
            (404, "/healthz/more", "HEAD", None),
            (405, "/", "DELETE", None),
            (405, "/connections", "NONSENSE", None),
            (302, "/admin", "GET", embedded),
            (404, "/admin/<b>", "GET", embedded),
        ):
            found, head, body = self.ask(path, method=method, site=site)
            self.assertEqual(found, status, path)
            self.assertNotIn("<b>", body)
            for name, value in HEADERS.items():
                self.assertIn(f"{name}: {value}\r\n", head + "\r\n", f"{method} {path}")

    def test_nothing_is_kept_and_nothing_foreign_runs(self) -> None:
        _, head, body = self.ask("/")
        self.assertIn("Cache-Control: no-store", head)
        self.assertRegex(head, "script-src 'sha256-[^']+'; connect-src 'self'")
        for foreign in ("http://", "https://", "src=", "@import", "innerHTML"):
            self.assertNotIn(foreign, body)


class TellingTests(AdminTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.service.startService()

    def test_metrics(self) -> None:
        one, two = connect(self.echo), connect(self.echo)
        one.send(b"12345")
        self.assertEqual(one.read(), b"12345")
        self.clock.advance(2)
        one.close()
        two.send(b"678")
        three = connect(self.echo)
        refused = connect(self.echo)
        refused.run()
        found = self.metrics()
        self.assertEqual(found["sockproto_connections_opened_total", "memory"], 4)
        self.assertEqual(found["sockproto_connections_open", "memory"], 2)
        self.assertEqual(found["sockproto_connections_closed_total", "memory peer closed"], 1)
        self.assertEqual(found["sockproto_connections_refused_total", "memory"], 1)
        self.assertEqual(found["sockproto_bytes_received_total", "memory"], 8)  # of the open ones too
        self.assertEqual(found["sockproto_messages_sent_total", "memory"], 2)
        self.assertEqual(found["sockproto_connection_seconds_bucket", "memory 10.0"], 2)
        self.assertEqual(found["sockproto_connection_seconds_bucket", "memory 1.0"], 1)
        self.assertEqual(found["sockproto_connection_seconds_sum", "memory"], 2)
        self.assertEqual(found["sockproto_datagrams_received_total", "datagrams"], 0)
        self.assertIn(("process_open_fds", ""), found)
        two.close()
        three.close()

    def test_a_socket_whose_path_is_no_text(self) -> None:
        listener = Listener("echo", "unix:/run/\udcff\x1b", EchoFactory(), lambda *_: succeed(Port()))
        service = ServerService([listener], self.clock)
        self.site = AdminSite(service, self.clock)
        self.site.startFactory()
        self.addCleanup(self.site.stopFactory)
        told = ("sockproto_connections_open", r"unix:/run/\udcff\x1b")
        self.assertIn(told, self.metrics())
        service.startService()
        self.assertIn(told, self.metrics())

    def test_openmetrics_for_who_asks(self) -> None:
        _, head, body = self.ask("/metrics", "Accept: application/openmetrics-text; version=1.0.0")
        self.assertIn("application/openmetrics-text", head)
        self.assertTrue(body.endswith("# EOF\n"))

    def test_connections_the_oldest_first_and_what_they_wait_for(self) -> None:
        client = connect(self.echo)
        client.send(b"12345")
        self.clock.advance(3)
        other = connect(self.echo)
        told = json.loads(self.ask("/connections")[2])["connections"]
        self.assertEqual([each["serial"] for each in told], [1, 2])
        self.assertEqual((told[0]["bytes_in"], told[0]["age_seconds"], told[0]["idle_seconds"]), (5, 3, 3))
        self.assertEqual({each["waits_for"] for each in told}, {"a message"})
        self.assertNotIn("worker", told[0])
        client.close()
        other.close()

    def test_a_thousand_connections_at_most(self) -> None:
        registry = self.echo.registry
        client = connect(self.echo)
        [connection] = registry.connections
        registry.connections.update({Double(connection, serial): 0 for serial in range(2, 1_500)})
        told = snapshot(self.service)["connections"]
        self.assertEqual(len(told), 1_000)
        registry.connections = {connection: 2}
        client.close()

    def test_limits(self) -> None:
        told = json.loads(self.ask("/limits")[2])["listeners"]
        self.assertEqual([each["listener"] for each in told], ["memory", "datagrams"])
        self.assertEqual(told[0]["limits"]["max_connections"], 2)

    def test_in_a_site_of_the_application(self) -> None:
        site = Site(AdminResource(self.service), reactor=self.clock)
        site.startFactory()
        self.addCleanup(site.stopFactory)
        self.assertEqual(self.ask("/readyz", site=site)[0], 200)

    def test_without_it_durations_are_not_counted(self) -> None:
        service = ServerService(
            [Listener("echo", "x", EchoFactory(), lambda *_: succeed(Port()))], self.clock
        )
        self.assertIsNone(service.listeners[0].server.statistics.durations)


class Double:
    """Another connection that looks like one."""

    def __init__(self, connection: Any, serial: int) -> None:
        self._connection, self.serial = connection, serial

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class MergingTests(AdminTestCase):
    def test_counters_of_several_add_up(self) -> None:
        client = connect(self.echo)
        client.send(b"12345")
        self.assertEqual(client.read(), b"12345")
        client.close()
        told = counters(self.service)
        [stream, _] = merged([told, told, told])["listeners"]
        self.assertEqual((stream["opened"], stream["bytes_in"]), (3, 15))
        self.assertEqual(stream["closed"], {"peer closed": 3})
        self.assertEqual(
            (stream["protocol"], stream["listener"], stream["datagrams"]), ("echo", "memory", False)
        )
        self.assertEqual(counters(self.service), told)

    def test_what_was_open_ends_with_its_process(self) -> None:
        client = connect(self.echo)
        told = snapshot(self.service)
        ended = merged([told], ended=True)
        self.assertEqual(ended["listeners"][0]["open"], 0)
        self.assertEqual(ended["listeners"][0]["closed"], {WITH_ITS_PROCESS: 1})
        self.assertEqual(ended["connections"], [])
        again = merged([ended, told])["listeners"][0]
        self.assertEqual((again["opened"], again["open"]), (2, 1))
        self.assertEqual(told["listeners"][0]["open"], 1)
        client.close()

    def test_workers_have_a_label(self) -> None:
        told = snapshot(self.service)

        class Workers:
            ready = True

            def snapshots(self) -> Any:
                return succeed([("1", told), ("2", told)])

        self.site = AdminSite(Workers(), self.clock)
        self.site.startFactory()
        self.addCleanup(self.site.stopFactory)
        found = self.metrics()
        self.assertIn(("sockproto_connections_open", "memory 2"), found)
        self.assertEqual(found["sockproto_connections_closed_total", f"memory {WITH_ITS_PROCESS} 2"], 0)


class HostileTests(AdminTestCase):
    def test_a_client_that_says_nothing(self) -> None:
        client = connect(self.site)
        self.clock.advance(IDLE_SECONDS + 1)
        client.run()
        self.assertTrue(client.lost)

    def test_a_client_that_says_a_byte_now_and_then(self) -> None:
        client = connect(self.site)
        for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: ":
            client.send(bytes([byte]))
            self.clock.advance(LIFETIME_SECONDS / 20)
        client.run()
        self.assertTrue(client.lost)

    def test_a_large_body(self) -> None:
        for header in (b"Content-Length: 1000000000000", b"Transfer-Encoding: chunked"):
            client = connect(self.site)
            client.send(b"POST /healthz HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
            got = client.read()
            for _ in range(100):
                if client.ended:
                    break
                client.send(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
                got += client.read()
            self.assertTrue(client.ended)
            self.assertIn(b"413", got)

    def test_endless_headers(self) -> None:
        client = connect(self.site)
        client.send(b"GET /healthz HTTP/1.1\r\n")
        for _ in range(1_000):
            if client.ended:
                break
            client.send(b"X-More: " + b"x" * 1_000 + b"\r\n")
        self.assertTrue(client.ended)

    def test_many_requests_at_once(self) -> None:
        for rest in ("", "Connection: keep-alive\r\n"):
            client = connect(self.site)
            client.send(f"GET /connections HTTP/1.1\r\nHost: x\r\n{rest}\r\n".encode() * 1_000)
            got = client.read_to_end()
            self.assertEqual(got.count(b"HTTP/1.1 200"), 1)
            self.assertIn(b"Connection: close", got)

    def test_too_many_connections(self) -> None:
        clients = [connect(self.site) for _ in range(MAX_CONNECTIONS)]
        late = connect(self.site)
        self.assertTrue(late.ended)
        clients[0].close()
        clients[0].run()
        self.assertEqual(self.ask("/healthz")[0], 200)
        for client in clients[1:]:
            client.close()

    def test_an_error_is_not_shown(self) -> None:
        class Broken:
            ready = True

            def snapshots(self) -> Any:
                raise RuntimeError("secret")

        self.site = AdminSite(Broken(), self.clock)
        self.site.startFactory()
        self.addCleanup(self.site.stopFactory)
        status, head, body = self.ask("/connections")
        self.assertEqual((status, body), (500, "internal error\n"))
        self.assertIn("Content-Security-Policy: default-src 'none'", head)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class EmbeddedTests(AdminTestCase):
    def test_without_the_slash_one_is_sent_to_it(self) -> None:
        root = Resource()
        root.putChild(b"sockproto", AdminResource(self.service))
        site = Site(root, reactor=self.clock)
        site.startFactory()
        self.addCleanup(site.stopFactory)
        status, head, _ = self.ask("/sockproto", "X-Forwarded-Host: elsewhere", site=site)
        self.assertEqual(status, 302)
        self.assertIn("Location: sockproto/", head)
        self.assertEqual(self.ask("/sockproto/healthz", site=site)[0], 200)

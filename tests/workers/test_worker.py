"""A worker in memory, whose pipes are real: what it tells a supervisor that reads late, or never."""

import fcntl
import os
import socket
from select import select
from typing import Any

from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from sockproto.protocols.greeting import GreetingFactory
from sockproto.server.listeners import tcp
from sockproto.testing import connect
from sockproto.workers.channel import Channel, encoded
from sockproto.workers.place import WorkerPlace
from sockproto.workers.worker import REPORT_SECONDS, WorkerService

PIPE_BYTES = 4_096
KEPT_BYTES = 64 * 1024
"""So much a transport keeps before it has a producer pause."""

REPORTS = 1_000


class PollingReactor(MemoryReactorClock):
    """Listens in memory; its pipes are polled on request."""

    def adoptStreamPort(self, *args: Any, **kwargs: Any) -> Any:
        return self.listenTCP(0, args[2])

    def poll(self) -> None:
        """Read and write once whatever is ready to be."""
        readers, writers, _ = select(self.getReaders(), self.getWriters(), (), 0)
        for each, do in (
            *((each, each.doRead) for each in readers),
            *((each, each.doWrite) for each in writers),
        ):
            ended = do()
            if ended is not None:
                self.removeReader(each)
                self.removeWriter(each)
                each.connectionLost(Failure(ended))


class WorkerTests(SynchronousTestCase):
    def setUp(self) -> None:
        orders, self.supervisor_says = os.pipe()
        self.supervisor_hears, answers = os.pipe()
        fcntl.fcntl(answers, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        os.set_blocking(self.supervisor_hears, False)
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        place = WorkerPlace(1, 2, orders, answers, [os.dup(listening.fileno())], {})
        self.reactor = PollingReactor()
        self.factory = GreetingFactory(think_seconds=600, clock=self.reactor)
        self.service = WorkerService(
            place, [tcp("greeting", self.factory, "127.0.0.1", 0)], reactor=self.reactor
        )
        self.service.startService()
        self.told: list[Any] = []
        self.channel = Channel(self.told.append)
        self.channel.makeConnection(StringTransport())

    def tearDown(self) -> None:
        """Leave it, and it closes its own pipes."""
        os.close(self.supervisor_says)
        os.close(self.supervisor_hears)
        self.reactor.poll()

    def hear(self) -> int:
        """Read what there is, as a supervisor; return how many bytes it was."""
        size = 0
        while True:
            self.reactor.poll()
            try:
                data = os.read(self.supervisor_hears, PIPE_BYTES)
            except BlockingIOError:
                return size
            self.channel.dataReceived(data)
            size += len(data)

    def opened(self) -> list[int]:
        """Return how many connections it has told of, report by report."""
        return [each["counters"]["listeners"][0]["opened"] for each in self.told if "counters" in each]

    def count(self) -> None:
        """Have it count a connection, and its time pass until it would tell."""
        connect(self.factory).close()
        self.reactor.advance(REPORT_SECONDS)

    def test_it_tells_what_it_has_counted(self) -> None:
        self.count()
        self.hear()
        self.assertEqual(self.opened(), [1])
        self.reactor.advance(REPORT_SECONDS)  # nothing has changed
        self.count()
        self.hear()
        self.assertEqual(self.opened(), [1, 2])

    def test_what_nobody_reads_does_not_grow(self) -> None:
        for _ in range(REPORTS):
            self.count()
            self.reactor.poll()
        self.assertLess(self.hear(), KEPT_BYTES + 2 * PIPE_BYTES)
        self.assertLess(len(self.opened()), REPORTS / 2)
        self.reactor.advance(REPORT_SECONDS)
        self.hear()
        self.assertEqual(self.opened()[-1], REPORTS)

    def test_it_answers_and_ends_though_its_reports_wait(self) -> None:
        for _ in range(REPORTS):
            self.count()
        os.write(self.supervisor_says, encoded({"do": "tell", "number": 7}))
        self.reactor.poll()
        stopped = self.service.stopService()
        self.reactor.pump([0.01] * 10)
        self.hear()
        self.successResultOf(stopped)
        self.assertEqual([each["answer"] for each in self.told if "answer" in each], [7])
        self.assertEqual(self.opened()[-1], REPORTS)

    def test_a_cut_in_the_same_read_as_the_drain_that_it_cuts(self) -> None:
        client = connect(self.factory)
        client.send(b"Michael\n")
        self.assertEqual(client.read(), b"Welcome!")
        os.write(self.supervisor_says, encoded({"do": "drain"}) + encoded({"do": "cut"}))
        self.reactor.poll()
        self.assertTrue(self.reactor.hasStopped)
        self.reactor.advance(0)  # as a reactor does before it has services stop
        stopped = self.service.stopService()
        self.reactor.advance(0.01)
        client.run()
        self.reactor.advance(0.01)
        self.hear()
        self.successResultOf(stopped)
        self.assertTrue(client.lost)

    def test_a_cut_while_it_drains(self) -> None:
        client = connect(self.factory)
        client.send(b"Michael\n")
        os.write(self.supervisor_says, encoded({"do": "drain"}))
        self.reactor.poll()
        stopped = self.service.stopService()
        self.reactor.advance(1)
        self.assertNoResult(stopped)
        os.write(self.supervisor_says, encoded({"do": "cut"}))
        self.reactor.poll()
        self.reactor.advance(0.01)
        client.run()
        self.reactor.advance(0.01)
        self.hear()
        self.successResultOf(stopped)
        self.assertTrue(client.lost)

"""What systemd is told, at a socket of the test's own."""

import os
import socket
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.server.notify import STATUS_SECONDS, Notifier


class NotifierTests(TestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()
        self.clock = Clock()
        self.status = "0 connections open"

    def told(self) -> list[bytes]:
        """Return what came since it was last asked."""
        found = []
        while True:
            try:
                found.append(self.systemd.recv(4_096))
            except BlockingIOError:
                return found

    def notifier(self, address: str, **variables: str) -> Notifier:
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.systemd.close)
        self.systemd.setblocking(False)
        self.systemd.bind(address.replace("@", "\0"))
        return Notifier(self.clock, lambda: self.status, {"NOTIFY_SOCKET": address, **variables})

    def path_here(self) -> str:
        """Return a path that is short enough for a UNIX socket, wherever the tests run."""
        return os.path.relpath(self.path)

    def test_the_life_of_a_service(self) -> None:
        notifier = self.notifier(self.path_here())
        notifier.ready()
        self.assertEqual(self.told(), [b"READY=1\nSTATUS=0 connections open"])
        notifier.reloading()
        self.assertRegex(self.told()[0], rb"^RELOADING=1\nMONOTONIC_USEC=[0-9]+$")
        notifier.ready()
        notifier.stopping()
        self.assertEqual(self.told(), [b"READY=1\nSTATUS=0 connections open", b"STOPPING=1"])

    def test_a_status_is_told_when_it_has_changed(self) -> None:
        notifier = self.notifier(self.path_here())
        notifier.ready()
        self.told()
        self.clock.pump([STATUS_SECONDS] * 3)
        self.assertEqual(self.told(), [])
        self.status = "1 connections open"
        self.clock.pump([STATUS_SECONDS] * 3)
        self.assertEqual(self.told(), [b"STATUS=1 connections open"])

    def test_the_watchdog_is_told_twice_as_often_as_it_asks(self) -> None:
        notifier = self.notifier(self.path_here(), WATCHDOG_USEC="2000000", WATCHDOG_PID=str(os.getpid()))
        notifier.ready()
        self.told()
        self.clock.pump([0.5] * 4)
        self.assertEqual(self.told(), [b"WATCHDOG=1"] * 2)

    def test_the_watchdog_of_another_process_is_not_told(self) -> None:
        notifier = self.notifier(self.path_here(), WATCHDOG_USEC="2000000", WATCHDOG_PID="1")
        notifier.ready()
        self.told()
        self.clock.pump([0.5] * 4)
        self.assertEqual(self.told(), [])

    def test_an_abstract_address(self) -> None:
        notifier = self.notifier(f"@sockproto-{os.getpid()}-{id(self)}")
        notifier.stopping()
        self.assertEqual(self.told(), [b"STOPPING=1"])

    def test_nobody_is_told_who_is_not_there(self) -> None:
        for variables in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}):
            notifier = Notifier(self.clock, lambda: self.status, variables)
            notifier.ready()
            notifier.stopping()

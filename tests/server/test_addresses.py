"""Which addresses of an interface are served: those that this machine has."""

import errno
import socket
from typing import Any, cast

from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import TestCase

from sockproto.errors import OptionError
from sockproto.server.addressing import addresses, has_address

LOOPBACK, SIX, ELSEWHERE = "127.0.0.1", "::1", "192.0.2.1"  # RFC 5737: documentation only


class Without6:
    """Makes sockets as a machine does that has no IPv6.

    Args:
        number: The error, of the family (where the kernel has none) or of the address (where it is off).
    """

    def __init__(self, number: int) -> None:
        self._number, self._socket = number, socket.socket

    def __call__(self, family: int, kind: int) -> Any:
        if family == socket.AF_INET6:
            raise OSError(self._number, "")
        return self._socket(family, kind)


class AddressTests(TestCase):
    def setUp(self) -> None:
        self.warnings: list[Any] = []
        observer = cast("ILogObserver", self.warnings.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def named(self, *found: str) -> list[str]:
        """Return what is served of a name that has these addresses."""
        rows = [(0, 0, 0, "", (address, 0)) for address in found]
        self.patch(socket, "getaddrinfo", lambda *_, **__: rows)
        return addresses("some.host")

    def test_without_ipv6_a_name_is_served_at_the_others(self) -> None:
        for number in errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL:
            self.warnings.clear()
            self.patch(socket, "socket", Without6(number))
            self.assertFalse(has_address(SIX))
            self.assertEqual(self.named(SIX, LOOPBACK, SIX), [LOOPBACK])
            [warning] = self.warnings
            self.assertEqual(
                (warning["name"], warning["others"], warning["ours"]), ("some.host", SIX, LOOPBACK)
            )

    def test_an_address_of_another_machine_is_left_out(self) -> None:
        self.assertEqual(self.named(ELSEWHERE, LOOPBACK), [LOOPBACK])
        self.assertEqual(len(self.warnings), 1)

    def test_of_none_that_is_ours_listening_says_why(self) -> None:
        self.assertEqual(self.named(ELSEWHERE), [ELSEWHERE])
        self.assertEqual(self.warnings, [])

    def test_all_are_ours(self) -> None:
        self.assertEqual(self.named(LOOPBACK, "127.0.0.2"), [LOOPBACK, "127.0.0.2"])
        self.assertEqual(self.warnings, [])

    def test_a_port_in_use_is_no_missing_address(self) -> None:
        self.patch(socket, "socket", Without6(errno.EACCES))
        self.assertTrue(has_address(SIX))

    def test_a_numeric_address_is_taken_as_it_is(self) -> None:
        self.patch(socket, "socket", Without6(errno.EAFNOSUPPORT))
        for given in SIX, f"[{SIX}]":
            self.assertEqual(addresses(given), [SIX])
        self.assertEqual(addresses(ELSEWHERE), [ELSEWHERE])

    def test_an_unknown_name(self) -> None:
        self.assertRaises(OptionError, addresses, "no.such.host.invalid")

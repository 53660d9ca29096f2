"""Whose certificate a TLS client has shown, as it is told."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateBuilder, Name, NameAttribute
from cryptography.x509.oid import NameOID
from twisted.trial.unittest import TestCase

from sockproto.carriers.transport import MAX_SUBJECT, subject_of


def certificate(*names: str) -> bytes:
    """Return a certificate, in DER, whose subject is of these units."""
    key = generate_private_key(SECP256R1())
    subject = Name([NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, name) for name in names])
    begin, end = datetime(2020, 1, 1), datetime(2020, 1, 2)
    made = CertificateBuilder(subject, subject, key.public_key(), 1, begin, end)
    return made.sign(key, SHA256()).public_bytes(Encoding.DER)


class SubjectTests(TestCase):
    def test_as_rfc_4514_writes_it(self) -> None:
        self.assertEqual(subject_of(certificate("a, b", "c")), "OU=c,OU=a\\, b")

    def test_it_forges_no_line(self) -> None:
        self.assertEqual(subject_of(certificate("a\nb\x1b[2J")), "OU=a\\nb\\x1b[2J")

    def test_it_is_cut(self) -> None:
        text = subject_of(certificate(*["x" * 60] * 10))
        self.assertEqual((len(text), text[-1]), (MAX_SUBJECT + 1, "…"))

    def test_none(self) -> None:
        for nothing in None, b"", b"no certificate":
            self.assertEqual(subject_of(nothing), "")

"""The files of a TLS listener, looked at before it listens: what is wrong with them, in a line.

Without this, OpenSSL asks the terminal for the password of a key, and much else shows at the first client.
Needs the extra ``tls``::

    warning = check_certificates("ssl:9999:privateKey=key.pem:certKey=cert.pem")
"""

import re
import warnings
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from twisted.python.filepath import FilePath

from sockproto.carriers.transport import openssl_words
from sockproto.core.text import escape
from sockproto.errors import OptionError

CERTIFICATE, KEY = "certificate", "private key"
MARKS = {CERTIFICATE: rb"-----BEGIN (TRUSTED )?CERTIFICATE-----", KEY: rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"}
"""What a file of each kind has in it (RFC 7468)."""
WHOLE = re.compile(rb"-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----", re.DOTALL)
"""What Twisted takes for a certificate of a chain."""
ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED")

TIME = "%Y%m%d%H%M%SZ"
"""How certificates say it (RFC 5280, 4.1.2.5.2), and so that they can be compared."""


def check_certificates(description: str) -> str:
    """Look at the files that the description of a TLS listener names.

    Args:
        description: ``ssl:…`` or ``tls:…``.

    Returns:
        Warnings, such as that a certificate has expired; mostly empty.

    Raises:
        OptionError: A file can't be used.
    """
    kind, *parts = (re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\):", description))
    positions = ("path",) if kind == "tls" else ("port", "privateKey", "certKey")
    named = dict(zip(positions, (part for part in parts if "=" not in part), strict=False))
    named |= dict(part.split("=", 1) for part in parts if "=" in part)
    try:
        if kind == "tls":
            _check_directory(Path(named.get("path", "")))
            return ""
        return _check_files(named)
    except OptionError as error:
        raise OptionError(f"{description!r}: {error}") from error


def _check_directory(directory: Path) -> None:
    """Look at a directory whose ``.pem`` files are certificates and private keys."""
    if not directory.is_dir():
        raise OptionError(f"there is no directory {str(directory)!r} with certificates")
    files = (file for file in sorted(directory.rglob("*.pem")) if file.is_file())
    texts = [_read(str(file), "contents") for file in files]
    for kind, mark in MARKS.items():
        if not any(re.search(mark, text) for text in texts):
            raise OptionError(f"there is no {kind} in the .pem files of {str(directory)!r}")


def _check_files(named: dict[str, str]) -> str:
    """Look at a certificate, its private key and the other named files; return warnings."""
    from OpenSSL.crypto import FILETYPE_PEM  # not needed where nobody speaks TLS
    from twisted.internet import ssl

    key_file = named.get("privateKey", "server.pem")
    file = named.get("certKey", key_file)
    if "extraCertChain" in named:
        certificates_of(
            named["extraCertChain"]
        )  # Twisted leaves out those that are cut, or have CR LF in them
    what = f"the private key of {key_file!r}"
    key = _made(what, ssl.KeyPair.load, _pem(key_file, KEY), FILETYPE_PEM)
    certificate = _made(f"the certificate of {file!r}", ssl.Certificate.loadPEM, _pem(file, CERTIFICATE))
    if not certificate.getPublicKey().matches(key):
        raise OptionError(f"{what} does not belong to the certificate of {file!r}")
    options = {"privateKey": key.original, "certificate": certificate.original}
    if "dhParameters" in named:
        parameters = named["dhParameters"]
        _read(parameters, "parameters")
        options["dhParameters"] = ssl.DiffieHellmanParameters.fromFile(FilePath(parameters))
        what = f"the parameters of {parameters!r}"
    with warnings.catch_warnings():
        # Twisted passes pyOpenSSL an argument that is deprecated there.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Otherwise made, and refused, for the first client.
        _made(what, lambda: ssl.CertificateOptions(**options).getContext())
    return warning(f"the certificate of {file!r}", certificate, "clients will refuse it")


def certificates_of(file: str) -> list[Any]:
    """Return the certificates of a file, as Twisted has them.

    Args:
        file: Its name.

    Raises:
        OptionError: It can't be read, or one of them can't be used.
    """
    from twisted.internet import ssl

    pem = _pem(file, CERTIFICATE)
    found = WHOLE.findall(pem)
    if len(found) != len(re.findall(MARKS[CERTIFICATE], pem)):
        raise OptionError(
            f"a certificate of {file!r} is cut, or its lines don't end with LF alone; mend the file"
        )
    return [_made(f"a certificate of {file!r}", ssl.Certificate.loadPEM, each) for each in found]


def _pem(file: str, kind: str) -> bytes:
    """Return what is in a file that must have something of a kind in it."""
    pem = _read(file, kind)
    if not re.search(MARKS[kind], pem):
        raise OptionError(f"there is no {kind} in {file!r}, or none in PEM")
    return pem


def _made(what: str, make: Callable[..., Any], *arguments: Any) -> Any:
    """Have OpenSSL make something of what a file holds."""
    try:
        return make(*arguments)
    except Exception as error:
        raise OptionError(f"can't use {what}: {openssl_words(error) or escape(str(error))}") from error


def _read(file: str, kind: str) -> bytes:
    """Return what is in a file, in which no private key may be encrypted: nobody is there to be asked."""
    if Path(file).is_fifo():  # opening it would block, and Twisted reads the file a second time
        raise OptionError(f"can't read the {kind} of {file!r}: it is a FIFO or pipe; take a file")
    try:
        pem = Path(file).read_bytes()
    except OSError as error:
        raise OptionError(f"can't read the {kind} of {file!r}: {error.strerror}") from error
    if ENCRYPTED.search(pem):
        raise OptionError(
            f"the private key of {file!r} is encrypted; take one that is not (openssl pkey -in … -out …)"
        )
    return pem


def warning(what: str, certificate: Any, effect: str) -> str:
    """Return what the other end will have against a certificate; empty if nothing.

    Args:
        what: What people are told that it is.
        certificate: One of Twisted's.
        effect: What follows if it has expired.
    """
    now = datetime.now(timezone.utc).strftime(TIME).encode()
    begin, end = certificate.original.get_notBefore(), certificate.original.get_notAfter()
    if end < now:
        return f"{what} expired on {datetime.strptime(end.decode(), TIME):%Y-%m-%d}; {effect}"
    if now < begin:
        return f"{what} is not valid before {datetime.strptime(begin.decode(), TIME):%Y-%m-%d}"
    return ""

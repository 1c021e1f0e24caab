"""TLS by a certificate file and a key file: one context, whose files can be read anew.

It opens no port, and it asks nobody for the password of a key.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from server.errors import StartError


class TlsError(StartError):
    """The files cannot be used; the message names the file, and never holds what is in it."""

    code = "tls"


@dataclass(frozen=True, slots=True)
class Tls:
    """A server's TLS. Both files are PEM; the certificate's has the chain after it."""

    certificate: Path
    key: Path
    context: ssl.SSLContext

    @classmethod
    def load(cls, certificate: str, key: str) -> "Tls | None":
        """Read both files; None when neither is named. Raises TlsError."""
        if not certificate and not key:
            return None
        paths = Path(certificate).expanduser(), Path(key).expanduser()
        return cls(*paths, _context_of(*paths))

    def reload(self) -> None:
        """Use what is in the files now for connections that come; blocks on the disk.

        Raises TlsError, and then nothing has changed: the files are tried in another context first.
        """
        _context_of(self.certificate, self.key)
        _read_into(self.context, self.certificate, self.key)


def trust_in(certificate: str) -> ssl.SSLContext | None:
    """Return what a client on this machine needs to believe that very certificate, whatever name
    it carries and whoever signed it; None for no certificate. Raises TlsError.
    """
    if not certificate:
        return None
    try:
        trust = ssl.create_default_context(cafile=Path(certificate).expanduser())
    except (OSError, ssl.SSLError) as error:
        raise TlsError(f"PARLEY_TLS_CERT: {certificate} cannot be used: {error.strerror}") from None
    trust.check_hostname = False
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return trust


def _context_of(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _read_into(context, certificate, key)
    return context


def _read_into(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    for variable, path in (("PARLEY_TLS_CERT", certificate), ("PARLEY_TLS_KEY", key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise TlsError(f"{variable}: {path} cannot be read: {error.strerror}") from None
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except _PasswordNeeded:
        raise TlsError(
            f"PARLEY_TLS_KEY: {key} has a password; a key without one is needed"
        ) from None
    except ssl.SSLError as error:
        is_mismatch = error.reason == "KEY_VALUES_MISMATCH"
        why = "the key is of another certificate" if is_mismatch else "PEM files are needed"
        raise TlsError(
            f"PARLEY_TLS_CERT and PARLEY_TLS_KEY: {certificate} and {key} cannot be used: {why}"
        ) from None


class _PasswordNeeded(Exception):
    """OpenSSL would ask at the terminal, and a service has none."""


def _no_password() -> str:
    raise _PasswordNeeded

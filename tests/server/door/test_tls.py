"""server/door/tls.py: files that can be used, and every way in which they cannot."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme

from server.door.tls import Tls, TlsError


def write_pair(folder: Path, authority: trustme.CA, name: str = "localhost") -> tuple[str, str]:
    """Write a certificate with its chain and its key; return both names."""
    leaf = authority.issue_cert(name)
    folder.mkdir(exist_ok=True)
    certificate, key = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    return str(certificate), str(key)


def renew_without_key(certificate: Path, authority: trustme.CA) -> None:
    """As when only one of the two files was renewed so far."""
    certificate.write_bytes(authority.issue_cert("localhost").cert_chain_pems[0].bytes())


async def shown_certificate(tls: Tls, authority: trustme.CA) -> object:
    """Connect over TLS and return the serial number of what the server shows."""
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    server = await asyncio.start_server(
        lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=tls.context
    )
    port = server.sockets[0].getsockname()[1]
    async with server:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trust, server_hostname="localhost"
        )
        serial = writer.get_extra_info("peercert")["serialNumber"]
        writer.close()
    return serial


def test_neither_file_is_no_tls() -> None:
    """The default."""
    assert Tls.load("", "") is None


async def test_a_reload_shows_the_new_certificate_and_a_failed_one_the_old(tmp_path: Path) -> None:
    """The same context goes on, so nobody is cut off; a key of another one changes nothing."""
    authority = trustme.CA()
    tls = Tls.load(*write_pair(tmp_path, authority))
    assert tls is not None
    first = await shown_certificate(tls, authority)
    write_pair(tmp_path, authority)
    tls.reload()
    second = await shown_certificate(tls, authority)
    assert second != first
    renew_without_key(tls.certificate, authority)
    with pytest.raises(TlsError, match="the key is of another certificate"):
        tls.reload()
    assert await shown_certificate(tls, authority) == second


@pytest.mark.parametrize(
    ("which", "content", "told"),
    [
        ("cert.pem", None, "PARLEY_TLS_CERT: .*cert.pem cannot be read: No such file"),
        ("key.pem", None, "PARLEY_TLS_KEY: .*key.pem cannot be read: No such file"),
        ("cert.pem", "s3cret", "PEM files are needed"),
        ("key.pem", "s3cret", "PEM files are needed"),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, which: str, content: str | None, told: str
) -> None:
    """The file, and why; never what is in it."""
    pair = write_pair(tmp_path, trustme.CA())
    (tmp_path / which).unlink()
    if content is not None:
        (tmp_path / which).write_text(content)
    with pytest.raises(TlsError, match=told) as error:
        Tls.load(*pair)
    assert "s3cret" not in str(error.value)


def test_a_key_with_a_password_is_refused_and_asks_nobody(tmp_path: Path) -> None:
    """OpenSSL would wait at the terminal for ever."""
    certificate, key = write_pair(tmp_path, trustme.CA())
    locked = tmp_path / "locked.pem"
    command = ["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", str(locked)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("the openssl program is not installed")
    with pytest.raises(TlsError, match="has a password"):
        Tls.load(certificate, str(locked))

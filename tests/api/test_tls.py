"""HTTPS: served from certificate files, missing files told, open addresses warned of."""

import ssl
from pathlib import Path

import httpx
import pytest
import trustme

from api.server import bind, url_of
from api.settings import Settings
from api.tls import TlsFiles, serves_openly, tls_files, trusting
from ledger.errors import ConfigurationError


def files(folder: Path, name: str = "127.0.0.1") -> TlsFiles:
    """A certificate that signs itself, as an office's own may."""
    issued = trustme.CA().issue_cert(name)
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return TlsFiles(cert, key)


def test_files_are_taken_together_or_refused(tmp_path: Path) -> None:
    cert, key = files(tmp_path)
    assert tls_files(Settings()) is None
    assert tls_files(Settings(tls_cert=cert, tls_key=key)) == (cert, key)
    (tmp_path / "other").mkdir()
    other = files(tmp_path / "other").key
    for wrong in (
        {"tls_cert": cert},
        {"tls_key": key},
        {"tls_cert": cert, "tls_key": tmp_path / "none"},
        {"tls_cert": cert, "tls_key": other},
    ):
        with pytest.raises(ConfigurationError, match="TLS"):
            tls_files(Settings(**wrong))


@pytest.mark.parametrize(
    ("host", "openly"),
    [
        ("127.0.0.1", False),
        ("::1", False),
        ("localhost", False),
        ("0.0.0.0", True),
        ("10.1.2.3", True),
        ("treasury.example", True),
    ],
)
def test_an_address_that_others_reach_is_warned_of(host: str, openly: bool, tmp_path: Path) -> None:
    assert serves_openly(host, None) is openly
    assert not serves_openly(host, files(tmp_path))


def test_our_own_clients_trust_the_file_and_nothing_else(tmp_path: Path) -> None:
    tls = files(tmp_path)
    context = trusting(tls)
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert trusting(None) is True
    with bind("127.0.0.1", 0) as bound:
        assert url_of(bound, tls).startswith("https://127.0.0.1:")
        assert httpx.URL(url_of(bound)).scheme == "http"

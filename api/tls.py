"""TLS: HTTPS from certificate files, and a warning where it is missing.

National TLS (TLCP, GB/T 38636) is not in Python's library: a proxy in front speaks it
(``docs/tls.md``).
"""

import ipaddress
import ssl
from pathlib import Path
from typing import NamedTuple

from api.settings import Settings
from ledger.errors import ConfigurationError


class TlsFiles(NamedTuple):
    """A certificate chain and its private key, both PEM."""

    cert: Path
    key: Path


def tls_files(settings: Settings) -> TlsFiles | None:
    """The files that HTTPS is served with; None where they are not set.

    Raises:
        ConfigurationError: one is set without the other, or they cannot be used together.
    """
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise ConfigurationError("GUOKU_TLS_CERT and GUOKU_TLS_KEY are set together or not at all")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or str(error)
        raise ConfigurationError(f"{cert} with {key} cannot be used for TLS: {reason}") from error
    return TlsFiles(cert, key)


def trusting(tls: TlsFiles | None) -> ssl.SSLContext | bool:
    """What a client of ours on this machine, which knows the certificate's file, verifies with.

    It asks by a loopback address, which is no name of the certificate; that it holds the key is
    what matters here.
    """
    if tls is None:
        return True
    context = ssl.create_default_context(cafile=str(tls.cert))
    context.check_hostname = False
    return context


def own_url(settings: Settings) -> str:
    """The address of the API that these settings serve."""
    scheme = "http" if settings.tls_cert is None else "https"
    return f"{scheme}://{settings.host}:{settings.port}"


def serves_openly(host: str, tls: TlsFiles | None) -> bool:
    """Whether tokens would cross a network in the clear: no TLS, and not a loopback address."""
    if tls is not None or host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name of whatever address
        return True

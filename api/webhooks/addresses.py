"""Connections to receivers: to public addresses alone, unless an office says otherwise.

Whoever registers an address chooses where this server connects to. So that he cannot have it talk
to what only stands inside (a database, a cloud's metadata, another office's server), the name is
resolved here, every address that it stands for is judged, and the connection is made to the very
address that was judged: a name that answers otherwise the second time gains nothing. Redirects are
not followed, and no proxy of the environment is asked.
"""

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import httpcore

from ledger.errors import Code, RequestError

_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052: what is behind it is not seen here

SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


class AddressRefusedError(httpcore.ConnectError):
    """The receiver's name stands for an address that may not be connected to."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the internet's, and no way around into a network of our own."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.sixtofour or address.teredo or address in _TRANSLATED:
            return False
    return address.is_global and not address.is_multicast


def check_url(url: str, *, allows_private: bool) -> None:
    """What can be said of an address before it is connected to.

    Raises:
        RequestError: ``malformed``: it is not public by what it says itself.
    """
    parts = urlsplit(url)
    if allows_private:
        return
    if parts.scheme != "https":
        raise _malformed("a webhook goes by https, where private addresses are not allowed")
    try:
        address = ip_address(parts.hostname or "")
    except ValueError:
        return  # a name, which is judged when it is connected to
    if not is_public(address):
        raise _malformed(f"{address} is no public address")


def _malformed(detail: str) -> RequestError:
    return RequestError(Code.MALFORMED, detail, pointer="/url")


class JudgedNetwork(httpcore.NetworkBackend):
    """Connects to the addresses of a name that may be connected to, and to no other."""

    def __init__(self, *, allows_private: bool) -> None:
        self._allows_private = allows_private
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises AddressRefusedError where one of the name's addresses is private: who answers with
        a public and a private one wants the private one."""
        found = self._resolved(host, port)
        if not self._allows_private:
            for address in found:
                if not is_public(ip_address(address)):
                    raise AddressRefusedError(f"{host} is {address}, no public address")
        failed: Exception = AddressRefusedError(f"{host} has no address")
        for address in found:
            try:
                return self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    def _resolved(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error}") from error
        # the scope of a link-local address is no part of it
        return list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found))

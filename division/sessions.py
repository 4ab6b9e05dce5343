"""会话: a person at a browser, known by the secret in a cookie, of which only the SM3 is kept.

A session carries no rights of its own. It says with which token, or with which person's own key,
it was begun, and what that token or person may now is looked up each time; where nothing is left of
that, the session is over. Its row is sealed with a key of the server's key store, so that whoever
can write to the database alone cannot make one, nor have one last longer than the longest.

All times are the database's: servers share its sessions.
"""

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple

import msgspec
import psycopg

from division import certificates
from division.credentials import Holder, find_holder, find_person
from ledger.errors import Refusal
from ledger.gm import Provider, sm3
from ledger.gm.keystore import KeyStore
from ledger.gm.sealed import hmac_sm3
from ledger.integrity.chain import microseconds
from ledger.verification.checks import dispose

KEY_NAME = "guoku/sessions"
SECRET_BYTES = 32

_CSRF_LABEL = b"guoku session 1 csrf"
_SEAL_LABEL, _NONCE_LABEL = b"guoku session 1 seal", b"guoku session 1 nonce"

dispose("sessions", "a row is believed by its seal; without it whoever it is of logs in again")

_FIND = """
SELECT token_sm3, cert_serial, nonce, ledger_id, principal_key, begun_at, seal, now(),
       ended_at IS NULL AND used_at > now() - %(idle)s AND begun_at > now() - %(longest)s
FROM sessions WHERE session_sm3 = %(key)s"""
_INSERT = """
INSERT INTO sessions (session_sm3, token_sm3, cert_serial, nonce, ledger_id, principal_key,
                      begun_at, used_at, seal)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"""
_USE = "UPDATE sessions SET used_at = now() WHERE session_sm3 = %s AND ended_at IS NULL"
_END = "UPDATE sessions SET ended_at = now() WHERE session_sm3 = %s AND ended_at IS NULL"
# Behind the end of the longest one, so that a nonce is known for as long as it could be used again.
_FORGET = "DELETE FROM sessions WHERE begun_at < now() - %s"
KEPT_BEYOND = timedelta(hours=1)


class SessionBounds(NamedTuple):
    """After how long without a call a session ends, and after how long in any case."""

    idle: timedelta
    longest: timedelta


class SessionOrigin(msgspec.Struct, frozen=True):
    """What a session was begun with: a token, or a person's own key that signed a nonce."""

    token_sm3: bytes | None = None
    cert_serial: str | None = None
    nonce: str | None = None
    ledger_id: int | None = None
    principal_key: str | None = None


class LiveSession(NamedTuple):
    """A session that is not over: whose it is, with what he may now, and when it ends."""

    holder: Holder
    expires_at: datetime


class SessionKeys:
    """The server's own secrets for sessions, out of the key store; safe between threads.

    Both are made of one key, which is put into the store when it is first needed. Servers that
    share the store share their sessions.
    """

    def __init__(self, keys: KeyStore, provider: Provider) -> None:
        self._keys = keys
        self._provider = provider
        self._lock = Lock()
        self._made: tuple[bytes, bytes] | None = None

    def seal(self, data: bytes) -> bytes:
        """HMAC-SM3 of a session's row."""
        return hmac_sm3(self._provider, self._secrets()[0], data)

    def mark(self, data: bytes) -> bytes:
        """HMAC-SM3 of a nonce."""
        return hmac_sm3(self._provider, self._secrets()[1], data)

    def _secrets(self) -> tuple[bytes, bytes]:
        with self._lock:
            if self._made is None:
                self._keys.create(KEY_NAME)
                root = self._keys.private_key(KEY_NAME).secret
                seal, nonce = (
                    hmac_sm3(self._provider, root, label) for label in (_SEAL_LABEL, _NONCE_LABEL)
                )
                self._made = seal, nonce
            return self._made


class Sessions:
    """The sessions of a database; safe between threads."""

    def __init__(self, keys: SessionKeys, bounds: SessionBounds) -> None:
        self._keys = keys
        self.bounds = bounds

    def begin(self, connection: psycopg.Connection, origin: SessionOrigin) -> str | None:
        """The secret of a new session, which nobody can read again; None where one was begun with
        this nonce before. What lies long behind its end is forgotten."""
        secret = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()
        connection.execute(_FORGET, (self.bounds.longest + KEPT_BEYOND,))
        row = connection.execute("SELECT now()").fetchone()
        assert row is not None
        key, [now] = session_sm3(secret), row
        seal = self._keys.seal(_sealed(key, origin, now))
        inserted = connection.execute(
            _INSERT, (key, *msgspec.structs.astuple(origin), now, now, seal)
        )
        return secret if inserted.rowcount else None

    def find(self, connection: psycopg.Connection, key: bytes) -> LiveSession | None:
        """The session whose secret has this SM3; None for one unknown, unsealed or over."""
        asked = {"key": key, "idle": self.bounds.idle, "longest": self.bounds.longest}
        row = connection.execute(_FIND, asked).fetchone()
        if row is None:
            return None
        *said, begun_at, seal, now, is_live = row
        origin = SessionOrigin(*said)
        if not is_live or not hmac.compare_digest(
            self._keys.seal(_sealed(key, origin, begun_at)), seal
        ):
            return None
        holder = holder_of(connection, origin, now)
        if holder is None:
            self.end(connection, key)  # who gets rights again later logs in again
            return None
        return LiveSession(holder, begun_at + self.bounds.longest)

    def use(self, connection: psycopg.Connection, key: bytes) -> None:
        """Notes that the session is in use."""
        connection.execute(_USE, (key,))

    def end(self, connection: psycopg.Connection, key: bytes) -> bool:
        """Ends the session for good; False where it was over."""
        return connection.execute(_END, (key,)).rowcount == 1


def holder_of(connection: psycopg.Connection, origin: SessionOrigin, at: datetime) -> Holder | None:
    """What the token, or the person with this certificate, may now; None where nothing is left."""
    if origin.token_sm3 is not None:
        return find_holder(connection, origin.token_sm3)
    assert origin.cert_serial is not None
    assert origin.ledger_id is not None
    assert origin.principal_key is not None
    certificate = certificates.find(connection, origin.cert_serial)
    if certificate is None:
        return None
    try:
        certificates.require_valid(certificate, at)
    except Refusal:
        return None
    return find_person(connection, origin.ledger_id, origin.principal_key)


def session_sm3(secret: str) -> bytes:
    """The key a session is kept under. The secret's 256 random bits need no salt."""
    return sm3(secret.encode())


def csrf_of(secret: str) -> str:
    """What a page of ours sends back with each write. It follows from the secret, which the page
    itself cannot read, so it need not be kept."""
    return sm3(_CSRF_LABEL + secret.encode()).hex()


def _sealed(key: bytes, origin: SessionOrigin, begun_at: datetime) -> bytes:
    """What the seal covers, every part with its length."""
    parts = (key, *msgspec.structs.astuple(origin), microseconds(begun_at))
    return msgspec.msgpack.encode(parts)

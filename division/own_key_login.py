"""Logging in with one's own key 自持密钥登录: a nonce of ours, signed by a certificate.

The nonce says until when it holds and bears our mark, so nothing is kept of it until somebody has
signed it; with the session that it begins it is used up. What a device signs are the nonce's ASCII
bytes, whose beginning is that of no other thing that is signed here.
"""

import base64
import binascii
import hmac
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg

from division import certificates
from division.certificates import Certificate
from division.credentials import Holder, find_persons
from division.rights import check_principal
from division.sessions import SessionKeys, SessionOrigin
from ledger.deciding.principals import folded
from ledger.errors import AccessError, Code, Refusal, RequestError
from ledger.gm import Provider
from ledger.gm.keystore import KeyStore
from ledger.gm.signature import canonical

NONCE_HOLDS = timedelta(minutes=2)

_BEGINS = "guoku-session-1"
_RANDOM_BYTES = 16
_CHARACTERS_MAX = 200


class SignedNonce(NamedTuple):
    """What a person's device has made of a nonce: DER of (r, s) in base64.

    ``cert_serial`` is "" where whoever logs in does not know it: it is found by the key then.
    ``division`` says in which of several standing ledgers he has the rights that he comes with.
    """

    principal: str
    nonce: str
    signature: str
    cert_serial: str
    division: str | None


class OwnKeyLogin:
    """Gives nonces and takes them back signed; safe between threads."""

    def __init__(self, keys: KeyStore, provider: Provider, session_keys: SessionKeys) -> None:
        self._keys = keys
        self._provider = provider
        self._session_keys = session_keys

    def nonce(self, principal: str, now: datetime) -> tuple[str, datetime]:
        """A nonce for whoever says to be ``principal``, registered or not, and until when it holds.

        Raises:
            RequestError: ``malformed`` for what is no name.
        """
        check_principal(principal)
        ends_at = now + NONCE_HOLDS
        said = f"{_BEGINS}.{int(ends_at.timestamp())}.{secrets.token_hex(_RANDOM_BYTES)}"
        return f"{said}.{self._mark(said, principal)}", ends_at

    def verified(
        self, connection: psycopg.Connection, given: SignedNonce, now: datetime
    ) -> SessionOrigin:
        """What the session of this person begins with.

        Raises:
            AccessError: ``unauthenticated``: the nonce is not one of ours for him, or too old; the
                certificate is not his, not valid now, or over a key that the server holds; the
                signature is not of this nonce by this key; or he has no rights now.
            RequestError: ``malformed``: he has rights in several divisions and does not say in
                which of them he acts.
        """
        self._check_nonce(given, now)
        certificate = self._signing_certificate(connection, given, now)
        held = find_persons(connection, given.principal)
        if not held:
            raise _refused(f"{given.principal} has no rights now")
        holder = _chosen(held, given.division)
        return SessionOrigin(
            cert_serial=certificate.serial,
            nonce=given.nonce,
            ledger_id=holder.ledger_id,
            principal_key=folded(given.principal),
        )

    def _mark(self, said: str, principal: str) -> str:
        return self._session_keys.mark(f"{said}.{folded(principal)}".encode()).hex()

    def _check_nonce(self, given: SignedNonce, now: datetime) -> None:
        said, _, mark = given.nonce[:_CHARACTERS_MAX].rpartition(".")
        expected = self._mark(said, given.principal)
        if not hmac.compare_digest(mark.encode(), expected.encode()):
            raise _refused("the nonce is none that was given to this principal")
        if now.timestamp() >= int(said.split(".")[1]):
            raise _refused("the nonce is too old: ask for another")

    def _signing_certificate(
        self, connection: psycopg.Connection, given: SignedNonce, now: datetime
    ) -> Certificate:
        """The one whose key has signed the nonce."""
        try:
            der = canonical(base64.b64decode(given.signature, validate=True))
        except (binascii.Error, ValueError):
            der = None
        message = given.nonce.encode()
        for certificate in _candidates(connection, given, now):
            if der is not None and self._provider.verify(certificate.public_key, message, der):
                self._require_own(certificate)
                return certificate
        raise _refused("it is no signature of this nonce by the key of a valid certificate of his")

    def _require_own(self, certificate: Certificate) -> None:
        subject = certificate.subject
        if subject in self._keys.names() and self._keys.public_key(subject) == (
            certificate.public_key
        ):
            raise _refused("the server holds this key: it proves nobody")


def _candidates(
    connection: psycopg.Connection, given: SignedNonce, now: datetime
) -> list[Certificate]:
    """The certificate that he names, or all of his that are valid now."""
    subject = f"principal/{given.principal}"
    if not given.cert_serial:
        return certificates.valid_ones(connection, subject, now)
    certificate = certificates.find(connection, given.cert_serial)
    if certificate is None or certificate.subject != subject:
        raise _refused(f"{given.principal} has no certificate {given.cert_serial[:40]!r}")
    try:
        return [certificates.require_valid(certificate, now)]
    except Refusal as error:
        raise _refused(error.detail) from None


def _chosen(held: list[Holder], division: str | None) -> Holder:
    if division is None and len(held) == 1:
        return held[0]
    for holder in held:
        if holder.rights.division == division:
            return holder
    prefixes = ", ".join(repr(holder.rights.division) for holder in held)
    raise RequestError(
        Code.MALFORMED, f"in which division? there are rights in {prefixes}", pointer="/division"
    )


def _refused(detail: str) -> AccessError:
    return AccessError(Code.UNAUTHENTICATED, detail)

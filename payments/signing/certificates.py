"""Certificates 证书: which public key speaks for whom, and from when until when.

A register of keys with a validity, not an X.509 hierarchy: what a signature needs to be judged is
the key, its holder and whether it was valid at the moment of signing. Subjects are
``principal/<name>``, ``finance/<mof_div_code>`` (a finance department, for its claims),
``bank/<pay_bank_code>`` and ``pboc/<code>``. A certificate is valid from
``not_before`` through ``not_after`` (RFC 5280 §4.1.2.5) and not from ``revoked_at`` on.
"""

import re
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg

from ledger.errors import Code, Refusal, RequestError
from ledger.gm import PublicKey, sm3
from ledger.integrity.chain import microseconds

SERIAL_BYTES = 16
VALIDITY = timedelta(days=365)
CLOCK_SKEW = timedelta(minutes=5)  # two first signatures at once, on two machines

_SUBJECT = re.compile(r"(principal|finance|bank|pboc)/[\w.@-]{1,96}")
_SELECT = "SELECT serial, subject, public_key, not_before, not_after, revoked_at FROM certificates"


class Certificate(msgspec.Struct, frozen=True):
    """One key of one subject; all times are aware."""

    serial: str
    subject: str
    public_key: PublicKey
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None = None


def serial_of(subject: str, public_key: PublicKey, not_before: datetime) -> str:
    """32 hex digits of SM3 over key, start and subject: the same certificate, the same serial."""
    start = microseconds(not_before).to_bytes(8, "big", signed=True)
    return sm3(public_key.point + start + subject.encode())[:SERIAL_BYTES].hex()


def check_subject(subject: str) -> None:
    """Raises RequestError, ``malformed``, unless certificates may be made out to ``subject``."""
    if _SUBJECT.fullmatch(subject) is None:
        problem = f"{subject[:40]!r} is no principal/…, finance/…, bank/… or pboc/…"
        raise _malformed(problem, "/subject")


def register(
    connection: psycopg.Connection,
    subject: str,
    public_key: PublicKey,
    *,
    not_before: datetime,
    not_after: datetime,
) -> Certificate:
    """Puts a certificate on the register; the caller commits. The same one twice is one.

    Raises:
        RequestError: ``malformed``: a subject of another shape, a time without zone, an end before
            the start, or an end other than the one it was registered with.
    """
    check_subject(subject)
    _aware(not_before, "/not_before")
    _aware(not_after, "/not_after")
    if not_after < not_before:
        raise _malformed("a certificate ends after it begins", "/not_after")
    serial = serial_of(subject, public_key, not_before)
    connection.execute(
        "INSERT INTO certificates (serial, subject, public_key, not_before, not_after)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (serial) DO NOTHING",
        (serial, subject, public_key.point, not_before, not_after),
    )
    registered = find(connection, serial)
    assert registered is not None, "nobody has the right to delete one"
    if registered.not_after != not_after:
        raise _malformed(f"{serial} was registered until {registered.not_after}", "/not_after")
    return registered


def restore(connection: psycopg.Connection, certificate: Certificate) -> None:
    """Puts a certificate of an imported history on the register; the caller commits.

    A revocation stands: one that is on the register already is kept, one that the history brings
    is added.

    Raises:
        RequestError: ``malformed``: its serial is not that of its key, subject and start, or it is
            on the register with another end.
    """
    serial = serial_of(certificate.subject, certificate.public_key, certificate.not_before)
    if serial != certificate.serial:
        raise _malformed(f"certificate {certificate.serial[:40]} has another key or subject", "")
    register(
        connection,
        certificate.subject,
        certificate.public_key,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
    )
    if certificate.revoked_at is not None:
        revoke(connection, serial, certificate.revoked_at)


def enrol(
    connection: psycopg.Connection, subject: str, public_key: PublicKey, *, at: datetime
) -> Certificate:
    """The subject's certificate; its first one, valid until a year from ``at``, when it has none.

    A subject that had one and has lost it is not given another here: renewing is a decision of
    whoever runs the key store.

    Raises:
        Refusal: ``certificate_invalid`` as :func:`current`, or when its certificate is over another
            key than ``public_key``.
    """
    # Two first uses at once would both find none; the lock makes the second one wait and see.
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (subject,))
    if not _all_of(connection, subject):
        begin, end = at - CLOCK_SKEW, at + VALIDITY
        return register(connection, subject, public_key, not_before=begin, not_after=end)
    certificate = current(connection, subject, at)
    if certificate.public_key != public_key:
        raise _invalid(certificate, "is over another key than the one in the key store")
    return certificate


def current(connection: psycopg.Connection, subject: str, at: datetime) -> Certificate:
    """The subject's certificate at a moment: of several valid ones, the one that began last.

    Raises:
        Refusal: ``certificate_invalid``, with the reason of the newest one, when none is valid.
    """
    certificates = _all_of(connection, subject)
    for certificate in certificates:
        if _fault(certificate, at) is None:
            return certificate
    if not certificates:
        raise Refusal(Code.CERTIFICATE_INVALID, f"{subject} has no certificate", subject=subject)
    return require_valid(certificates[0], at)


def find(connection: psycopg.Connection, serial: str) -> Certificate | None:
    """The certificate with this serial number, valid or not."""
    row = connection.execute(f"{_SELECT} WHERE serial = %s", (serial,)).fetchone()
    return _certificate(row) if row else None


def require_valid(certificate: Certificate, at: datetime) -> Certificate:
    """The certificate itself, if it is valid at that moment.

    Raises:
        Refusal: ``certificate_invalid`` before it begins, after it ends, once it is revoked.
    """
    if (fault := _fault(certificate, at)) is not None:
        raise _invalid(certificate, fault)
    return certificate


def revoke(connection: psycopg.Connection, serial: str, at: datetime) -> Certificate:
    """Revokes a certificate from ``at`` on; the caller commits.

    A revocation stands: a second one changes nothing, because moving the moment back would make
    signatures invalid that were valid when they were made.

    Raises:
        RequestError: ``malformed`` for a time without zone, ``not_found`` for an unknown serial.
    """
    _aware(at, "/at")
    connection.execute(
        "UPDATE certificates SET revoked_at = %s WHERE serial = %s AND revoked_at IS NULL",
        (at, serial),
    )
    if (certificate := find(connection, serial)) is None:
        raise RequestError(Code.NOT_FOUND, f"no certificate {serial[:40]!r}")
    return certificate


def _all_of(connection: psycopg.Connection, subject: str) -> list[Certificate]:
    rows = connection.execute(
        f"{_SELECT} WHERE subject = %s ORDER BY not_before DESC, serial", (subject,)
    )
    return [_certificate(row) for row in rows]


def _certificate(row: tuple[Any, ...]) -> Certificate:
    serial, subject, point, *times = row
    return Certificate(serial, subject, PublicKey(point), *times)


def _fault(certificate: Certificate, at: datetime) -> str | None:
    """What is wrong with it at that moment, or None."""
    if certificate.revoked_at is not None and at >= certificate.revoked_at:
        return f"was revoked at {certificate.revoked_at.isoformat()}"
    if at < certificate.not_before:
        return f"is not valid before {certificate.not_before.isoformat()}"
    if at > certificate.not_after:
        return f"expired at {certificate.not_after.isoformat()}"
    return None


def _invalid(certificate: Certificate, fault: str) -> Refusal:
    return Refusal(
        Code.CERTIFICATE_INVALID,
        f"certificate {certificate.serial} of {certificate.subject} {fault}",
        cert_serial=certificate.serial,
        subject=certificate.subject,
    )


def _malformed(detail: str, pointer: str) -> RequestError:
    return RequestError(Code.MALFORMED, detail, pointer=pointer)


def _aware(moment: datetime, pointer: str) -> None:
    if moment.utcoffset() is None:
        raise _malformed("a time needs its zone", pointer)

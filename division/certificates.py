"""The register of certificates as whoever signs or verifies asks for it.

Its table is found by serial and subject; what is put there is an event of the standing ledger
(``division.certificate``), and commits by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from division.certificate import (
    HOME,
    Certificate,
    RegisterCertificate,
    RevokeCertificate,
    check_subject,
    malformed,
    serial_of,
)
from division.recording import record
from ledger.deciding.principals import IMPORT, OPERATOR, PROGRAM
from ledger.errors import Code, Refusal, RequestError
from ledger.gm import PublicKey
from ledger.writing.conditions import Conditions

__all__ = ["Certificate", "check_subject", "serial_of"]

VALIDITY = timedelta(days=365)
CLOCK_SKEW = timedelta(minutes=5)  # two first signatures at once, on two machines

_SELECT = "SELECT serial, subject, public_key, not_before, not_after, revoked_at FROM certificates"


def register(
    connection: psycopg.Connection,
    subject: str,
    public_key: PublicKey,
    conditions: Conditions,
    *,
    not_before: datetime,
    not_after: datetime,
    by: str = OPERATOR,
) -> Certificate:
    """Puts a certificate on record, committed. The same one twice is one.

    Raises:
        RequestError: ``malformed``: a subject of another shape, a time without zone, an end before
            the start, or an end other than the one it was registered with.
        Refusal: ``certificate_invalid``: the key is somebody else's.
    """
    check_subject(subject)
    _aware(not_before, "/not_before")
    _aware(not_after, "/not_after")
    registered = find(connection, serial_of(subject, public_key, not_before))
    if registered is None:
        if by != IMPORT:  # what was believed when the history was made stands
            require_unshared(connection, subject, public_key)
        command = RegisterCertificate.of(subject, public_key, not_before, not_after)
        command.check()
        record(connection, HOME, [command], conditions, by=by)
        registered = find(connection, command.number)
        assert registered is not None, "its row is written with the event"
    if registered.not_after != not_after:
        raise malformed(
            f"{registered.serial} was registered until {registered.not_after}", "/not_after"
        )
    return registered


def require_unshared(connection: psycopg.Connection, subject: str, public_key: PublicKey) -> None:
    """One key speaks for one subject: with a key of two, one of them would sign as both.

    Raises:
        Refusal: ``certificate_invalid``.
    """
    other = connection.execute(
        "SELECT subject FROM certificates WHERE public_key = %s AND subject <> %s LIMIT 1",
        (public_key.point, subject),
    ).fetchone()
    if other is not None:
        raise Refusal(Code.CERTIFICATE_INVALID, f"the key of {subject} is that of {other[0]}")


def require_genuine(certificate: Certificate) -> None:
    """Raises RequestError, ``malformed``: its serial is not that of its key, subject and start."""
    serial = serial_of(certificate.subject, certificate.public_key, certificate.not_before)
    if serial != certificate.serial:
        raise malformed(f"certificate {certificate.serial[:40]} has another key or subject", "")


def restore(
    connection: psycopg.Connection, certificate: Certificate, conditions: Conditions
) -> None:
    """Puts a certificate of an imported history on record, committed.

    A revocation stands: one that is on record already is kept, one that the history brings is
    added.

    Raises:
        RequestError: ``malformed``: its serial is not that of its key, subject and start, or it is
            on record with another end.
    """
    require_genuine(certificate)
    registered = register(
        connection,
        certificate.subject,
        certificate.public_key,
        conditions,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        by=IMPORT,
    )
    if certificate.revoked_at is not None and registered.revoked_at is None:
        revoke(connection, certificate.serial, certificate.revoked_at, conditions, by=IMPORT)


def enrol(
    connection: psycopg.Connection,
    subject: str,
    public_key: PublicKey,
    conditions: Conditions,
    *,
    at: datetime,
) -> Certificate:
    """The subject's certificate; its first one, valid until a year from ``at``, when it has none.

    A subject that had one and has lost it is not given another here: renewing is a decision of
    whoever runs the key store.

    Raises:
        Refusal: ``certificate_invalid`` as :func:`current`, or when a certificate of it that is
            valid now is over another key than ``public_key``: who has a key of his own signs with
            that.
    """
    if not has_any(connection, subject):
        with _alone(connection, subject):
            if not has_any(connection, subject):
                begin, end = at - CLOCK_SKEW, at + VALIDITY
                return register(
                    connection,
                    subject,
                    public_key,
                    conditions,
                    not_before=begin,
                    not_after=end,
                    by=PROGRAM,
                )
    return _over(connection, subject, public_key, at)


def would_enrol(
    connection: psycopg.Connection, subject: str, public_key: PublicKey, at: datetime
) -> Certificate:
    """What :func:`enrol` gives, with nothing put on record."""
    if has_any(connection, subject):
        return _over(connection, subject, public_key, at)
    serial = first_serial(subject, public_key, at)
    return Certificate(serial, subject, public_key, at - CLOCK_SKEW, at + VALIDITY)


def _over(
    connection: psycopg.Connection, subject: str, public_key: PublicKey, at: datetime
) -> Certificate:
    certificate = current(connection, subject, at)
    for each in valid_ones(connection, subject, at):
        if each.public_key != public_key:
            raise _invalid(each, "is over another key than the one in the key store")
    return certificate


def first_serial(subject: str, public_key: PublicKey, at: datetime) -> str:
    """The serial of the certificate that :func:`enrol` makes at that moment."""
    return serial_of(subject, public_key, at - CLOCK_SKEW)


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


def valid_ones(connection: psycopg.Connection, subject: str, at: datetime) -> list[Certificate]:
    """All certificates of the subject that are valid at a moment, the one that began last first."""
    return [each for each in _all_of(connection, subject) if _fault(each, at) is None]


def has_any(connection: psycopg.Connection, subject: str) -> bool:
    """Whether a certificate was ever made out to the subject."""
    return bool(_all_of(connection, subject))


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


def revoke(
    connection: psycopg.Connection,
    serial: str,
    at: datetime,
    conditions: Conditions,
    *,
    by: str = OPERATOR,
) -> Certificate:
    """Revokes a certificate from ``at`` on, committed.

    A revocation stands: a second one changes nothing, because moving the moment back would make
    signatures invalid that were valid when they were made.

    Raises:
        RequestError: ``malformed`` for a time without zone, ``not_found`` for an unknown serial.
    """
    _aware(at, "/at")
    certificate = find(connection, serial)
    if certificate is None:
        raise RequestError(Code.NOT_FOUND, f"no certificate {serial[:40]!r}")
    if certificate.revoked_at is None:
        command = RevokeCertificate(cert_serial=serial, revoked_at=at.isoformat())
        record(connection, HOME, [command], conditions, by=by)
        certificate = find(connection, serial)
        assert certificate is not None, "nobody has the right to delete one"
    return certificate


@contextmanager
def _alone(connection: psycopg.Connection, subject: str) -> Iterator[None]:
    """Two first uses at once would both find none: the second one waits and sees. The lock outlasts
    the transaction in which the certificate is recorded."""
    connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (subject,))
    try:
        yield
    finally:
        if not connection.closed:
            connection.rollback()
            connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (subject,))
            connection.commit()


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


def _aware(moment: datetime, pointer: str) -> None:
    if moment.utcoffset() is None:
        raise malformed("a time needs its zone", pointer)

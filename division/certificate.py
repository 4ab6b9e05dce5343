"""Certificates 证书: which public key speaks for whom, and from when until when.

A register of keys with a validity, not an X.509 hierarchy: what a signature needs to be judged is
the key, its holder and whether it was valid at the moment of signing. Subjects are
``principal/<name>``, ``finance/<mof_div_code>`` (a finance department, for its claims),
``bank/<pay_bank_code>``, ``pboc/<code>`` and ``installation/<division>`` (a program elsewhere that
keeps the ledgers of these divisions). A certificate is valid from ``not_before`` through
``not_after`` (RFC 5280 §4.1.2.5) and not from ``revoked_at`` on.

A signature names its certificate by the serial alone, so all of them are on record in one ledger,
the standing ledger of all divisions.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Self

import msgspec

from division.events import CertificateRegistered, CertificateRevoked
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.deciding.tables import ObjectTable, TableRow
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.gm import PublicKey, sm3
from ledger.integrity.chain import microseconds

HOME = standing_ledger("")
SERIAL_BYTES = 16

_SUBJECT = re.compile(r"(principal|finance|bank|pboc|installation)/[\w.@-]{1,96}")


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
        known = "principal/…, finance/…, bank/…, pboc/… or installation/…"
        problem = f"{subject[:40]!r} is no {known}"
        raise malformed(problem, "/subject")


def fold(certificate: Certificate | None, event: Event) -> Certificate | None:
    match event:
        case CertificateRegistered():
            return Certificate(
                event.cert_serial,
                event.subject,
                PublicKey.from_hex(event.public_key),
                datetime.fromisoformat(event.not_before),
                datetime.fromisoformat(event.not_after),
            )
        case CertificateRevoked() if certificate is not None:
            at = datetime.fromisoformat(event.revoked_at)
            return msgspec.structs.replace(certificate, revoked_at=at)
        case _:
            return certificate


def _rows(ledger_id: int, certificate: Certificate) -> Iterable[TableRow]:
    revoked_at = certificate.revoked_at
    yield (
        certificate.serial,
        ledger_id,
        certificate.subject,
        f"\\x{certificate.public_key.hex()}",
        certificate.not_before.isoformat(),
        certificate.not_after.isoformat(),
        revoked_at.isoformat() if revoked_at else None,
    )


CERTIFICATES = ObjectTable(
    name="certificates",
    columns=(
        ("serial", "text"),
        ("ledger_id", "bigint"),
        ("subject", "text"),
        ("public_key", "bytea"),
        ("not_before", "timestamptz"),
        ("not_after", "timestamptz"),
        ("revoked_at", "timestamptz"),
    ),
    key=1,
    rows=_rows,
)
CERTIFICATE: Kind[Certificate] = Kind(
    name="certificate", opened_by="certificate.register", fold=fold, tables=(CERTIFICATES,)
)


class RegisterCertificate(Command, frozen=True, kw_only=True):
    """Puts a certificate on record; its serial follows from it. Moments are ISO 8601 with zone.

    ``mof_div_code`` is the division that asks for it, "" where nobody over HTTP does.
    """

    OPERATION: ClassVar[str] = "certificate.register"
    KIND = CERTIFICATE
    APPROVABLE: ClassVar[bool] = True
    KEEPS_REFUSAL: ClassVar[bool] = False
    subject: str
    public_key: str
    not_before: str
    not_after: str
    mof_div_code: str = ""

    @property
    def number(self) -> str:
        key, start = PublicKey.from_hex(self.public_key), datetime.fromisoformat(self.not_before)
        return serial_of(self.subject, key, start)

    @classmethod
    def number_in(cls, event: CertificateRegistered) -> str:
        return event.cert_serial

    @classmethod
    def of(
        cls,
        subject: str,
        public_key: PublicKey,
        begin: datetime,
        end: datetime,
        mof_div_code: str = "",
    ) -> Self:
        """What puts this certificate on record."""
        return cls(
            subject=subject,
            public_key=public_key.hex(),
            not_before=begin.isoformat(),
            not_after=end.isoformat(),
            mof_div_code=mof_div_code,
        )

    def check(self) -> None:
        """Raises RequestError for a subject of another shape, or an end before the start."""
        check_subject(self.subject)
        if datetime.fromisoformat(self.not_after) < datetime.fromisoformat(self.not_before):
            raise malformed("a certificate ends after it begins", "/not_after")

    def decide(self, state: LedgerState, by: str) -> Decision:
        # point of no return
        registered = CertificateRegistered(
            cert_serial=self.number,
            subject=self.subject,
            public_key=self.public_key,
            not_before=self.not_before,
            not_after=self.not_after,
            mof_div_code=self.mof_div_code,
            by=by,
        )
        return Decision(events=[(CERTIFICATE, self.number, registered)], effective_on=state.today)


class RevokeCertificate(Command, frozen=True, kw_only=True):
    """Revokes a certificate, from now or from ``revoked_at`` on.

    A revocation stands: moving its moment back would make signatures invalid that were valid when
    they were made.
    """

    OPERATION: ClassVar[str] = "certificate.revoke"
    KIND = CERTIFICATE
    APPROVABLE: ClassVar[bool] = True
    KEEPS_REFUSAL: ClassVar[bool] = False
    NUMBER: ClassVar[str] = "cert_serial"
    cert_serial: str
    revoked_at: str | None = None
    mof_div_code: str = ""

    def needs(self) -> Iterable[Need]:
        return ((CERTIFICATE, self.cert_serial),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        certificate = state.get(CERTIFICATE, self.cert_serial)
        if certificate is None:
            raise Refusal(Code.NOT_FOUND, f"no certificate {self.cert_serial[:40]!r}")
        if certificate.revoked_at is not None:
            raise Refusal(Code.INVALID_STATE, "the certificate was revoked before")
        # point of no return
        at = self.revoked_at or state.now.isoformat()
        revoked = CertificateRevoked(
            cert_serial=self.cert_serial, revoked_at=at, mof_div_code=self.mof_div_code, by=by
        )
        return Decision(events=[(CERTIFICATE, self.cert_serial, revoked)], effective_on=state.today)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event = told.event
        return tuple(
            cls(cert_serial=event.cert_serial, revoked_at=each, mof_div_code=event.mof_div_code)
            for each in (None, event.revoked_at)
        )


def malformed(detail: str, pointer: str) -> RequestError:
    return RequestError(Code.MALFORMED, detail, pointer=pointer)

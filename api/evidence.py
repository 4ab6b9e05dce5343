"""支付证据: all that proves one payment, as one file that an outsider checks offline.

The format is ``guoku.evidence.1`` of docs/history-format.md.
"""

import base64
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from psycopg import Connection

from budget.indicator import INDICATOR
from division import certificates
from ledger.account_set import ledger_text
from ledger.deciding.objects import AnyKind
from ledger.errors import Code, IntegrityError, Refusal, UnavailableError
from ledger.events import Event, decode
from ledger.integrity.note import encode_hash, moment_text, parse_note
from ledger.reading.objects import EVENTS_MAX, StoredRow, read_document, read_events, stream_of
from ledger.sealing.register import cosigned, latest_checkpoint, note_keys
from ledger.sealing.stored_tree import StoredTree
from payments.clearing.claims import CLEARING
from payments.clearing.events import ClaimReceipted
from payments.events import (
    PaymentApplied,
    PaymentRefunded,
    VoucherReceipted,
    VoucherSigned,
)
from payments.manifest import MANIFEST
from payments.manifest_events import ManifestSigned
from payments.payment import PAYMENT
from payments.return_events import PaymentReturned
from projections.queries import clearing_of

FORMAT = "guoku.evidence.1"


class EvidenceEvent(msgspec.Struct, frozen=True):
    """An event with its proof; ``payload`` and ``inclusion`` base64, ``digest`` hex."""

    position: int
    stream_id: str
    stream_version: int
    type: str
    recorded_at: str
    effective_on: str
    payload: str
    digest: str
    inclusion: list[str]


class EvidenceCertificate(msgspec.Struct, frozen=True):
    """Whose key it is and when it is valid; ``public_key`` hex."""

    serial: str
    subject: str
    public_key: str
    not_before: str
    not_after: str
    revoked_at: str | None


class EvidenceKey(msgspec.Struct, frozen=True):
    """A key that signs notes; ``public_key`` hex."""

    name: str
    public_key: str


class EvidenceDocument(msgspec.Struct, frozen=True):
    """What was signed or received, exactly; ``sm3`` hex, ``body`` base64."""

    sm3: str
    kind: str
    body: str


class Evidence(msgspec.Struct, frozen=True):
    format: str
    ledger: str
    pay_app_no: str
    events: list[EvidenceEvent]
    checkpoint: str
    certificates: list[EvidenceCertificate]
    log_keys: list[EvidenceKey]
    documents: list[EvidenceDocument]


def payment_evidence(connection: Connection, ledger_id: int, pay_app_no: str) -> Evidence:
    """The evidence for a payment against the ledger's last checkpoint.

    Raises:
        Refusal: ``payment_not_found``.
        UnavailableError: something of it is not sealed yet.
        IntegrityError: a document is not what was signed or received.
    """
    rows = _rows(connection, ledger_id, pay_app_no)
    recorded = latest_checkpoint(connection, ledger_id)
    if recorded is None or recorded.size < rows[-1].position:
        raise UnavailableError(
            Code.UNAVAILABLE, f"no checkpoint covers position {rows[-1].position} yet"
        )
    note = cosigned(connection, recorded)
    tree = StoredTree(connection, ledger_id, recorded.size)
    happened = [decode(row.type, row.payload) for row in rows]
    return Evidence(
        format=FORMAT,
        ledger=ledger_text(ledger_id),
        pay_app_no=pay_app_no,
        events=[_event(row, tree.inclusion(row.position)) for row in rows],
        checkpoint=note,
        certificates=list(_certificates(connection, happened)),
        log_keys=_log_keys(connection, note),
        documents=list(_documents(connection, ledger_id, happened)),
    )


def _rows(connection: Connection, ledger_id: int, pay_app_no: str) -> list[StoredRow]:
    """The events of the payment, its manifests, its indicator and its clearing, in order."""
    own_id = stream_of(connection, ledger_id, PAYMENT, pay_app_no)
    if own_id is None:
        raise Refusal(Code.PAYMENT_NOT_FOUND, f"no payment {pay_app_no!r}")
    own = _stream(connection, ledger_id, own_id)
    named: dict[tuple[str, str], AnyKind] = {}
    for row in own:
        event = decode(row.type, row.payload)
        if isinstance(event, PaymentApplied):
            named[INDICATOR.name, event.bgt_id] = INDICATOR
        elif isinstance(event, VoucherSigned | VoucherReceipted):
            named[MANIFEST.name, event.manifest_no] = MANIFEST
    clear_no, _ = clearing_of(connection, ledger_id, pay_app_no)
    named[CLEARING.name, clear_no] = CLEARING
    streams = [
        stream_of(connection, ledger_id, kind, number)
        for (_, number), kind in named.items()
        if number
    ]
    others = [row for stream in streams if stream for row in _stream(connection, ledger_id, stream)]
    return sorted([*own, *others], key=lambda row: row.position)


def _stream(connection: Connection, ledger_id: int, stream_id: UUID) -> list[StoredRow]:
    rows: list[StoredRow] = []
    while piece := read_events(
        connection,
        ledger_id,
        rows[-1].position if rows else 0,
        EVENTS_MAX,
        stream_id=stream_id,
    ):
        rows += piece
    return rows


def _event(row: StoredRow, inclusion: Iterable[bytes]) -> EvidenceEvent:
    return EvidenceEvent(
        position=row.position,
        stream_id=str(row.stream_id),
        stream_version=row.stream_version,
        type=row.type,
        recorded_at=moment_text(row.recorded_at),
        effective_on=row.effective_on.isoformat(),
        payload=base64.b64encode(row.payload).decode("ascii"),
        digest=row.digest.hex(),
        inclusion=[encode_hash(step) for step in inclusion],
    )


def _certificates(
    connection: Connection, happened: Iterable[Event]
) -> Iterator[EvidenceCertificate]:
    """Those that the events name, each once, as far as they are on the register."""
    serials = dict.fromkeys(getattr(event, "cert_serial", "") for event in happened)
    for serial in filter(None, serials):
        if (found := certificates.find(connection, serial)) is not None:
            yield EvidenceCertificate(
                serial=found.serial,
                subject=found.subject,
                public_key=found.public_key.hex(),
                not_before=_moment(found.not_before),
                not_after=_moment(found.not_after),
                revoked_at=_moment(found.revoked_at) if found.revoked_at else None,
            )


def _log_keys(connection: Connection, note: str) -> list[EvidenceKey]:
    """Every registered key of those who have signed the note."""
    signers = {line.name for line in parse_note(note).signatures}
    return [
        EvidenceKey(key.name, key.public_key.hex())
        for key in note_keys(connection)
        if key.name in signers
    ]


def _documents(
    connection: Connection, ledger_id: int, happened: Iterable[Event]
) -> Iterator[EvidenceDocument]:
    """What the events name by its SM3, each once."""
    named: dict[str, str] = {}
    for event in happened:
        match event:
            case VoucherSigned():
                named.setdefault(event.voucher_sm3, "voucher")
            case VoucherReceipted():
                named.setdefault(event.receipt_sm3, "receipt")
            case PaymentReturned():
                named.setdefault(event.notice_sm3, "notice")
            case PaymentRefunded() if event.notice_sm3:
                named.setdefault(event.notice_sm3, "notice")
            case ManifestSigned():
                named.setdefault(event.leaves_sm3, "manifest")
            case ClaimReceipted():
                named.setdefault(event.receipt_sm3, "clearing")
    for sm3, kind in named.items():
        body = read_document(connection, ledger_id, bytes.fromhex(sm3))
        if body is None:
            raise IntegrityError(f"the {kind} {sm3} that an event names is not stored")
        yield EvidenceDocument(sm3, kind, base64.b64encode(body).decode("ascii"))


def _moment(moment: datetime) -> str:
    return moment_text(moment.astimezone(UTC))

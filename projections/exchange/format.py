"""The plain part of an export: its lines and its manifest (docs/history-format.md).

Bytes are base64 where they are content, hex where they are digests; ``recorded_at`` has six
decimals and ``Z``; stream ids are UUIDs as text. The order of members is fixed, so that the same
history gives the same bytes.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from ledger.errors import IntegrityError

FORMAT = "guoku.export.1"
MANIFEST, SIGNATURE = "export.json", "export.sig"
EVENTS, COMMITS = "events.ndjson.gz", "commits.ndjson.gz"
KEYS, BALANCES = "command_keys.ndjson.gz", "balances.ndjson.gz"
DOCUMENTS = "documents.ndjson.gz"
CERTIFICATES = "certificates.json"
CHECKPOINTS = "checkpoints.txt"
PLAIN = (EVENTS, COMMITS, KEYS, BALANCES, DOCUMENTS, CERTIFICATES)

# what the columns of the store hold; a line beyond them is none of an export
Position = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Version = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
AmountFen = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
TypeName = Annotated[str, msgspec.Meta(max_length=200)]

_MOMENT_LENGTH = len("2026-01-31T09:30:00.000000Z")


class EventLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One event: its columns as they are stored; ``payload`` are the bytes that were hashed."""

    position: Position
    stream_id: str
    stream_version: Version
    type: TypeName
    recorded_at: str
    effective_on: str
    payload: bytes
    digest: str


class CommitLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One commit: its first and last event, and the chain after it."""

    first_position: Position
    position: Position
    recorded_at: str
    chain: str


class KeyLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A number that was used, and where its events are."""

    operation: str
    number: str
    fingerprint: str
    stream_id: str
    first_position: Position
    last_position: Position


class BalanceLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Controlled balances of one indicator at the end of the export, in fen."""

    bgt_id: str
    available_fen: AmountFen
    frozen_fen: AmountFen
    occupied_fen: AmountFen
    paid_fen: AmountFen
    plan_fen: AmountFen


class DocumentLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A voucher, receipt or manifest: the exact bytes under their SM3."""

    sm3: str
    body: bytes


class CertificateLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate that the history, or the export's own signature, names."""

    serial: str
    subject: str
    public_key: str
    not_before: str
    not_after: str
    revoked_at: str | None


class FileEntry(msgspec.Struct, frozen=True):
    name: str
    sm3: str
    bytes: int


class HeadEntry(msgspec.Struct, frozen=True):
    position: Position
    chain: str


class LogKey(msgspec.Struct, frozen=True):
    """A key that signs without a certificate: the operator's log key."""

    name: str
    public_key: str


class ExportManifest(msgspec.Struct, frozen=True, kw_only=True):
    """``export.json``: what the directory holds, with SM3 and length of every file."""

    format: str = FORMAT
    ledger: str
    from_position: Position
    to_position: Position
    head: HeadEntry
    opening_chain: str
    created_at: str
    files: tuple[FileEntry, ...]
    log_keys: tuple[LogKey, ...]


def moment_from(text: str) -> datetime:
    """The reverse of ``ledger.integrity.note.moment_text``; raises IntegrityError otherwise."""
    if len(text) == _MOMENT_LENGTH and text.endswith("Z"):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise IntegrityError(f"{text[:40]!r} is no time of the form 2026-11-24T09:30:00.123456Z")

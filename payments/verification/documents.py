"""凭证: that the table of documents holds none that no event names.

What the events name is opened and compared with the signatures over it. A document beside those
proves nothing and pays nobody; but somebody has put it there, and not by the program.
"""

from collections.abc import Sequence
from pathlib import Path

import psycopg

from ledger.verification.checks import name_check
from ledger.verification.findings import Findings
from ledger.verification.spill import PARTS, Spill
from payments.verification.signatures import SignatureToVerify

_DIGEST_BYTES = 32
_STORED = "SELECT sm3 FROM documents WHERE ledger_id = %s"


class NamedDocuments:
    """The digests that events name, against those of the table; both spilled in parts."""

    NAME = name_check("unnamed", "凭证索引 documents that events name", "documents", "documents")

    def __init__(self, findings: Findings, folder: Path, lengths: list[int] | None = None) -> None:
        self._findings = findings
        self._named = Spill(folder, "named", lengths)
        self._folder = folder

    def lengths(self) -> list[int]:
        return self._named.lengths()

    def take(self, signed: Sequence[SignatureToVerify]) -> None:
        parts = self._named.parts
        for one in signed:
            try:
                digest = bytes.fromhex(one.document_sm3)
            except ValueError:
                continue  # it names none, which its signature's check tells
            if len(digest) == _DIGEST_BYTES:
                parts[digest[-1] % PARTS] += digest
        self._named.settle()

    def conclude(self, connection: psycopg.Connection, ledger_id: int) -> None:
        stored = Spill(self._folder, "stored")
        with connection.cursor("documents", binary=True) as cursor:
            cursor.itersize = 10_000
            cursor.execute(_STORED, (ledger_id,))
            for (digest,) in cursor:
                stored.parts[digest[-1] % PARTS] += digest
        for part in range(PARTS):
            there = _split(stored.read(part))
            self._findings.count(self.NAME, len(there))
            for digest in sorted(there - _split(self._named.read(part))):
                detail = f"no event names the document {digest.hex()} 无主凭证"
                self._findings.add(self.NAME, 0, detail)


def _split(part: bytes) -> set[bytes]:
    return {part[at : at + _DIGEST_BYTES] for at in range(0, len(part), _DIGEST_BYTES)}

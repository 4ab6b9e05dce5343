"""见证: a witness remembers the last checkpoint of each origin and cosigns what follows from it.

It believes nothing but the log's signature and a consistency proof. What it has seen is on disk
before it answers, so a kill cannot make it sign a second history.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ledger.errors import Code, Refusal, RequestError
from ledger.gm import PrivateKey, Provider, PublicKey, sm3
from ledger.integrity.merkle import leaf_hash, root_of, verify_consistency
from ledger.integrity.note import (
    LOG_KEY_NAME,
    PROVINCE_ORIGIN,
    Checkpoint,
    decode_hash,
    encode_hash,
    parse_checkpoint,
    parse_note,
    sign_text,
    verified_by,
)

PROOF_HASHES_MAX = 64
SEEN_MAX = 1_000  # checkpoints of an origin that a province head may name

_SCHEMA = """
CREATE TABLE IF NOT EXISTS remembered (
    origin TEXT PRIMARY KEY,
    size   INTEGER NOT NULL,
    root   BLOB NOT NULL,
    note   TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (
    origin   TEXT NOT NULL,
    size     INTEGER NOT NULL,
    root     BLOB NOT NULL,
    text_sm3 BLOB NOT NULL,
    PRIMARY KEY (origin, size)
) WITHOUT ROWID;
"""


class Request(NamedTuple):
    """What a log asks: its note, and the proof from the size that it believes we remember."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str


class Remembered(NamedTuple):
    size: int
    root: bytes
    note: str


def parse_request(body: bytes) -> Request:
    """Reads the body of add-checkpoint (C2SP tlog-witness); raises RequestError ``malformed``."""
    try:
        head, _, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise RequestError(Code.MALFORMED, "the request is UTF-8") from None
    first, *hashes = head.split("\n")
    word, _, size = first.partition(" ")
    if word != "old" or not (size.isascii() and size.isdigit() and len(size) < 19):
        raise RequestError(Code.MALFORMED, "the first line is `old` and a size")
    if len(hashes) > PROOF_HASHES_MAX:
        raise RequestError(Code.MALFORMED, f"a proof has at most {PROOF_HASHES_MAX} hashes")
    return Request(int(size), tuple(map(decode_hash, hashes)), note)


def write_request(old_size: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of add-checkpoint."""
    lines = (f"old {old_size}", *map(encode_hash, proof))
    return ("".join(f"{line}\n" for line in lines) + "\n" + note).encode()


class Witness:
    """Judges requests one at a time; may be called from any thread.

    Args:
        path: of its memory, an SQLite file, made when missing.
        name: in its signature lines, ``witness/<name>``.
        log_keys: the log's public keys, known from the operator by another way than this one.
    """

    def __init__(
        self,
        path: Path,
        provider: Provider,
        name: str,
        key: PrivateKey,
        log_keys: Sequence[PublicKey],
    ) -> None:
        self.name = name
        self._provider = provider
        self._key = key
        self._trusted: Mapping[str, Sequence[PublicKey]] = {LOG_KEY_NAME: log_keys}
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._memory = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._memory.execute("PRAGMA synchronous = FULL")
        self._memory.executescript(_SCHEMA)

    def close(self) -> None:
        self._memory.close()

    @property
    def public_key(self) -> PublicKey:
        return self._provider.public_key(self._key)

    def remembered(self, origin: str) -> Remembered | None:
        """The last checkpoint of an origin that was cosigned."""
        row = self._memory.execute(
            "SELECT size, root, note FROM remembered WHERE origin = ?", [origin]
        ).fetchone()
        return Remembered(*row) if row else None

    def cosign(self, request: Request) -> str:
        """Our signature line under the note.

        Raises:
            RequestError: ``malformed``: no note, no checkpoint.
            Refusal: ``signature_invalid``: the log has not signed it; ``checkpoint_stale``: we
                remember another size (``remembered_size``) than the proof begins at;
                ``history_shrunk``, ``history_forked``, ``proof_invalid``: it does not follow from
                what we remember.
        """
        note = parse_note(request.note)
        checkpoint = parse_checkpoint(note.text)
        if not verified_by(self._provider, note, self._trusted):
            raise Refusal(Code.SIGNATURE_INVALID, "no log key that is trusted here has signed it")
        with self._lock, self._transaction():
            if checkpoint.origin == PROVINCE_ORIGIN:
                self._judge_province(checkpoint)
            else:
                self._judge(checkpoint, request)
            self._remember(checkpoint, note.text, request.note)
        return sign_text(self._provider, self.name, self._key, note.text)

    def _judge(self, checkpoint: Checkpoint, request: Request) -> None:
        known = self.remembered(checkpoint.origin) or Remembered(0, root_of(()), "")
        size = checkpoint.size
        if size < known.size:
            raise Refusal(
                Code.HISTORY_SHRUNK,
                f"{checkpoint.origin} had {known.size} events and comes with {size}",
                remembered_size=known.size,
            )
        if size == known.size and checkpoint.root != known.root:
            raise Refusal(
                Code.HISTORY_FORKED,
                f"{checkpoint.origin} has two histories of {size} events",
                remembered_size=known.size,
            )
        if request.old_size != known.size:
            raise Refusal(
                Code.CHECKPOINT_STALE,
                f"the proof begins at {request.old_size}, and {known.size} is remembered",
                remembered_size=known.size,
            )
        if not verify_consistency(
            known.size, size, known.root, checkpoint.root, list(request.proof)
        ):
            raise Refusal(
                Code.PROOF_INVALID,
                f"{checkpoint.origin}: {size} events do not begin with the {known.size} remembered",
                remembered_size=known.size,
            )

    def _judge_province(self, head: Checkpoint) -> None:
        """Every line was seen here; no ledger of the last head is missing or smaller."""
        lines = ledger_lines(head)
        former = self.remembered(PROVINCE_ORIGIN)
        before = ledger_lines(parse_checkpoint(parse_note(former.note).text)) if former else {}
        leaves = []
        for origin, (size, root) in lines.items():
            seen = self._memory.execute(
                "SELECT root, text_sm3 FROM seen WHERE origin = ? AND size = ?", [origin, size]
            ).fetchone()
            if seen is None or seen[0] != root:
                raise Refusal(Code.PROOF_INVALID, f"{origin} of {size} events was not seen here")
            if size < before.get(origin, (0, b""))[0]:
                raise Refusal(Code.HISTORY_SHRUNK, f"{origin} was larger in the last head")
            leaves.append(leaf_hash(seen[1]))
        if missing := before.keys() - lines.keys():
            raise Refusal(Code.HISTORY_SHRUNK, f"{min(missing)} is not in the head any more")
        if head.size != len(leaves) or head.root != root_of(leaves):
            raise Refusal(Code.PROOF_INVALID, "the head's root is not that of its ledgers")

    def _remember(self, checkpoint: Checkpoint, text: str, note: str) -> None:
        origin, size, root = checkpoint.origin, checkpoint.size, checkpoint.root
        self._memory.execute(
            "INSERT OR REPLACE INTO remembered VALUES (?, ?, ?, ?)", [origin, size, root, note]
        )
        if origin != PROVINCE_ORIGIN:
            self._memory.execute(
                "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)",
                [origin, size, root, sm3(text.encode())],
            )
            self._memory.execute(
                "DELETE FROM seen WHERE origin = ? AND size <= (SELECT size FROM seen"
                " WHERE origin = ? ORDER BY size DESC LIMIT 1 OFFSET ?)",
                [origin, origin, SEEN_MAX],
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, on disk at its end; keeps out another process with the same memory."""
        self._memory.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._memory.execute("ROLLBACK")
            raise
        self._memory.execute("COMMIT")


def ledger_lines(head: Checkpoint) -> dict[str, tuple[int, bytes]]:
    """Size and root of each ledger that a province head names, by origin, in order.

    Raises:
        RequestError: ``malformed``.
    """
    found: dict[str, tuple[int, bytes]] = {}
    for line in head.extensions:
        word, *rest = line.split(" ")
        if word == "recorded":
            continue
        if word != "ledger" or len(rest) != 3 or not rest[1].isdigit() or len(rest[1]) > 18:
            raise RequestError(Code.MALFORMED, f"no line of a province head: {line[:80]!r}")
        found[f"guoku/{rest[0]}"] = int(rest[1]), decode_hash(rest[2])
    return found

"""What a simulated bank must not forget: the numbers it has paid, the receipts it still owes.

One SQLite file. A voucher's number and its receipts are written in one transaction, so whatever
kills the process, a number is paid once and its receipt is owed exactly when it was paid.
"""

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

AFTER_NEXT_S = 0.001  # so much later than the next one goes a receipt that waited for it
_SCHEMA = """
CREATE TABLE IF NOT EXISTS vouchers (
    number     TEXT PRIMARY KEY,
    sm3        BLOB NOT NULL,      -- of its bytes: with other bytes it is refused
    amount_fen INTEGER NOT NULL,   -- what was paid of it
    head       TEXT,               -- of its receipt, and the receipt, compressed: for whoever asks
    receipt    BLOB                -- again; NULL where it is never answered
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipts (
    id     INTEGER PRIMARY KEY,
    number TEXT NOT NULL,
    due_s  REAL,                   -- Unix time; NULL while it waits for the next one
    head   TEXT NOT NULL,          -- receipts of one head may go in one message
    body   BLOB NOT NULL,          -- signed, unless its message is signed as a whole
    answer TEXT                    -- why the treasury refused it; such a one is not sent again
);
CREATE INDEX IF NOT EXISTS receipts_due ON receipts (due_s, id) WHERE answer IS NULL;
CREATE INDEX IF NOT EXISTS receipts_waiting ON receipts (id) WHERE due_s IS NULL;
"""


class PaidVoucher(NamedTuple):
    """A voucher that is paid now, and when its receipt goes out.

    Attributes:
        due_s: Unix times, one for each time the receipt is sent.
        after_next: it is sent after the next one that is sent by itself.
    """

    number: str
    digest: bytes
    amount_fen: int
    head: str
    receipt: bytes
    due_s: tuple[float, ...] = ()
    after_next: bool = False


class KnownVoucher(NamedTuple):
    """What the bank has of a number: what it paid, and its receipt, b"" where it gives none."""

    amount_fen: int
    receipt: bytes


class DueReceipt(NamedTuple):
    id: int
    number: str
    head: str
    body: bytes


class CounterpartyFigures(NamedTuple):
    vouchers: int
    paid_fen: int
    receipts_owed: int
    receipts_refused: int


class SimulatorBook:
    """The file, opened; safe between threads of one process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA)
        self._add_missing()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def known(self, numbers: Sequence[str]) -> dict[str, bytes]:
        """Digests of the vouchers already paid among these."""
        with self._lock:
            return self._known(numbers)

    def record(self, paid: Sequence[PaidVoucher]) -> dict[str, bytes]:
        """Pays what was not paid before, all in one transaction.

        Returns:
            Digest by number of those that turn out to be paid already; nothing is written for them.
        """
        with self._transaction():
            before = self._known([item.number for item in paid])
            fresh = {item.number: item for item in reversed(paid) if item.number not in before}
            items = [item for item in paid if fresh.get(item.number) is item]
            self._connection.executemany(
                "INSERT INTO vouchers (number, sm3, amount_fen, head, receipt)"
                " VALUES (?, ?, ?, ?, ?)",
                [
                    (i.number, i.digest, i.amount_fen, i.head, _kept(i.receipt if i.due_s else b""))
                    for i in items
                ],
            )
            self._owe(items)
            return before

    def owe_again(self, numbers: Sequence[str], now_s: float) -> None:
        """Owes the receipts of vouchers that came once more and whose receipts are owed no more:
        whoever asks again may have lost them."""
        with self._transaction():
            rows = self._connection.execute(
                "SELECT v.number, v.head, v.receipt FROM json_each(?) AS n CROSS JOIN vouchers AS v"
                " ON v.number = n.value WHERE v.receipt IS NOT NULL AND NOT EXISTS (SELECT 1 FROM"
                " receipts r WHERE r.number = v.number AND r.answer IS NULL)",
                (json.dumps(numbers),),
            ).fetchall()
            self._connection.executemany(
                "INSERT INTO receipts (number, due_s, head, body) VALUES (?, ?, ?, ?)",
                [(number, now_s, head, zlib.decompress(kept)) for number, head, kept in rows],
            )

    def look_up(self, numbers: Sequence[str]) -> dict[str, KnownVoucher]:
        """What is known of these numbers."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT v.number, v.amount_fen, v.receipt FROM json_each(?) AS n"
                " CROSS JOIN vouchers AS v ON v.number = n.value",
                (json.dumps(numbers),),
            )
            return {
                number: KnownVoucher(fen, zlib.decompress(kept) if kept else b"")
                for number, fen, kept in rows
            }

    def due(self, now_s: float, limit: int) -> list[DueReceipt]:
        """Receipts to send now, in their order."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT id, number, head, body FROM receipts"
                " WHERE answer IS NULL AND due_s <= ? ORDER BY due_s, id LIMIT ?",
                (now_s, limit),
            )
            return [DueReceipt(*row) for row in rows]

    def settle(
        self, done: Sequence[int], refused: Mapping[int, str], later: Mapping[int, float]
    ) -> None:
        """After a message: what is done goes, what was refused stays with the answer.

        Args:
            later: id to the Unix time at which it is sent again.
        """
        with self._transaction():
            connection = self._connection
            connection.executemany("DELETE FROM receipts WHERE id = ?", [(i,) for i in done])
            connection.executemany(
                "UPDATE receipts SET answer = ? WHERE id = ?", [(a, i) for i, a in refused.items()]
            )
            connection.executemany(
                "UPDATE receipts SET due_s = ? WHERE id = ?", [(t, i) for i, t in later.items()]
            )

    def figures(self) -> CounterpartyFigures:
        with self._lock:
            row = self._connection.execute(
                "SELECT (SELECT count(*) FROM vouchers),"
                " (SELECT coalesce(sum(amount_fen), 0) FROM vouchers),"
                " (SELECT count(*) FROM receipts WHERE answer IS NULL),"
                " (SELECT count(*) FROM receipts WHERE answer IS NOT NULL)"
            ).fetchone()
            return CounterpartyFigures(*row)

    def _add_missing(self) -> None:
        """The columns that the file of a former release lacks."""
        there = {row[1] for row in self._connection.execute("PRAGMA table_info(vouchers)")}
        for name, kind in (("head", "TEXT"), ("receipt", "BLOB")):
            if name not in there:
                self._connection.execute(f"ALTER TABLE vouchers ADD COLUMN {name} {kind}")

    def _known(self, numbers: Sequence[str]) -> dict[str, bytes]:
        rows = self._connection.execute(
            "SELECT v.number, v.sm3 FROM json_each(?) AS n CROSS JOIN vouchers AS v"
            " ON v.number = n.value",
            (json.dumps(numbers),),
        )
        return dict(rows.fetchall())

    def _owe(self, items: Sequence[PaidVoucher]) -> None:
        """The receipts in the order of their vouchers. One that was held back follows the next that
        is sent by itself: that one was written before it and has its place."""
        rows: list[tuple[str, float | None, str, bytes]] = []
        waiting: list[int] = []  # which of these rows are held back so far
        released_s: float | None = None  # when those are sent that were held back before all this
        for item in items:
            if item.after_next:
                waiting.append(len(rows))
                rows.append((item.number, None, item.head, item.receipt))
                continue
            rows += [(item.number, at, item.head, item.receipt) for at in item.due_s]
            if item.due_s:
                follows_s = item.due_s[0] + AFTER_NEXT_S
                released_s = follows_s if released_s is None else released_s
                for index in waiting:
                    number, _, head, body = rows[index]
                    rows[index] = (number, follows_s, head, body)
                waiting.clear()
        if released_s is not None:
            self._connection.execute(
                "UPDATE receipts SET due_s = ? WHERE due_s IS NULL", (released_s,)
            )
        self._connection.executemany(
            "INSERT INTO receipts (number, due_s, head, body) VALUES (?, ?, ?, ?)", rows
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _kept(receipt: bytes) -> bytes | None:
    return zlib.compress(receipt, 1) if receipt else None

"""What a simulated bank must not forget: the numbers it has paid, the receipts it still owes.

One SQLite file. A voucher's number and its receipts are written in one transaction, so whatever
kills the process, a number is paid once and its receipt is owed exactly when it was paid.
"""

import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from ledger.errors import Code, Refusal
from payments.messages.envelope import VoucherBody
from payments.simulators.recalls import RecallBook
from payments.simulators.returned import PaidLine, Return, taken_of

AFTER_NEXT_S = 0.001  # so much later than the next one goes a receipt that waited for it
NOTICE_AFTER_S = 0.002  # and so much behind a receipt what the bank says of the same payment
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
CREATE TABLE IF NOT EXISTS paid_lines (
    number       TEXT PRIMARY KEY,   -- of the voucher
    pay_app_no   TEXT NOT NULL,
    adm_div_code TEXT NOT NULL,
    st_year      INTEGER NOT NULL,
    lines        BLOB NOT NULL       -- a PaidLine each: what money can come back of
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS paid_lines_of ON paid_lines (pay_app_no);
CREATE TABLE IF NOT EXISTS returns (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    cause     TEXT NOT NULL,       -- the request, or what the bank did of itself
    number    TEXT NOT NULL,
    detail_id TEXT NOT NULL,
    fen       INTEGER NOT NULL,
    UNIQUE (cause, detail_id)
);
CREATE INDEX IF NOT EXISTS returns_of ON returns (number);
CREATE INDEX IF NOT EXISTS receipts_due ON receipts (due_s, id) WHERE answer IS NULL;
CREATE INDEX IF NOT EXISTS receipts_waiting ON receipts (id) WHERE due_s IS NULL;
"""


class PaidVoucher(NamedTuple):
    """A voucher that is paid now, and when its receipt goes out.

    Attributes:
        receipt: empty for what is answered by notices alone.
        notices: signed, sent behind the receipt.
        pay_app_no, adm_div_code, st_year, lines: what of it can come back.
        due_s: Unix times, one for each time the receipt is sent.
        after_next: it is sent after the next one that is sent by itself.
        returned: the receipt that goes out instead where it is stopped before; empty for never.
    """

    number: str
    digest: bytes
    amount_fen: int
    head: str
    receipt: bytes
    due_s: tuple[float, ...] = ()
    after_next: bool = False
    notices: tuple[bytes, ...] = ()
    pay_app_no: str = ""
    adm_div_code: str = ""
    st_year: int = 0
    lines: tuple[PaidLine, ...] = ()
    returned: bytes = b""


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
        self.recalls = RecallBook(self._connection, self._transaction)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def known(self, numbers: Sequence[str]) -> dict[str, bytes]:
        """Digests of the vouchers already paid among these."""
        with self._lock:
            return self._known(numbers)

    def record(
        self, paid: Sequence[PaidVoucher], sign: Callable[[VoucherBody], VoucherBody]
    ) -> dict[str, bytes]:
        """Pays what was not paid before, all in one transaction.

        Args:
            sign: of the receipt by which what was recalled meanwhile is returned.

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
            self._connection.executemany(
                "INSERT INTO paid_lines VALUES (?, ?, ?, ?, ?)",
                [
                    (i.number, i.pay_app_no, i.adm_div_code, i.st_year, _encode_lines(i.lines))
                    for i in items
                    if i.lines
                ],
            )
            stoppable = [i for i in items if i.returned]
            self.recalls.note(
                (i.number, min(i.due_s, default=None), i.head, i.returned) for i in stoppable
            )
            self._owe(items)
            self.recalls.return_recalled((i.number for i in stoppable), time.time(), sign)
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

    def receipts_of(self, head: str) -> Iterator[tuple[str, bytes]]:
        """Of the vouchers with this head: number and receipt, some at a time."""
        after = ""
        while True:
            with self._lock:
                rows = self._connection.execute(
                    "SELECT number, receipt FROM vouchers WHERE number > ? AND head = ?"
                    " AND receipt IS NOT NULL ORDER BY number LIMIT 1000",
                    (after, head),
                ).fetchall()
            if not rows:
                return
            yield from ((number, zlib.decompress(kept)) for number, kept in rows if kept)
            after = rows[-1][0]

    def give_back(self, cause: str, number: str, detail_id: str, amount_fen: int | None) -> Return:
        """Sets aside what goes back, once for one cause.

        Args:
            number: of the voucher, or the ``pay_app_no`` that it was for.
            detail_id: the line; "" takes them in order.
            amount_fen: None for all that has not come back yet.

        Raises:
            Refusal: ``details_mismatch`` or ``refund_exceeds_paid``.
        """
        with self._transaction():
            found = self._connection.execute(
                "SELECT number, pay_app_no, adm_div_code, st_year, lines FROM paid_lines"
                " WHERE number = ?1 OR pay_app_no = ?1 LIMIT 1",
                (number,),
            ).fetchone()
            if found is None:
                raise Refusal(Code.REFUND_EXCEEDS_PAID, f"nothing was paid by {number!r}")
            paid_by, pay_app_no, adm_div_code, st_year, encoded = found
            lines = _decode_lines(encoded)
            amounts = self._returned_for(cause) or dict(
                taken_of(self._left(paid_by, lines), detail_id, amount_fen)
            )
            back = tuple(
                msgspec.structs.replace(line, fen=amounts[line.id])
                for line in lines
                if line.id in amounts
            )
            serial = self._set_aside(cause, paid_by, back)
            return Return(serial, paid_by, pay_app_no, adm_div_code, st_year, back)

    def set_aside(self, cause: str, number: str, lines: Sequence[PaidLine]) -> int:
        """Likewise, of lines that are being paid in this moment: they go back in full. Gives the
        bank's number of it."""
        with self._transaction():
            return self._set_aside(cause, number, lines)

    def owe_notice(self, number: str, head: str, body: bytes, due_s: float) -> None:
        """A notice that nobody has asked for."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO receipts (number, due_s, head, body) VALUES (?, ?, ?, ?)",
                (number, due_s, head, body),
            )

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
            self.recalls.gone(done)
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

    def _returned_for(self, cause: str) -> dict[str, int]:
        """What was set aside for it before, by line."""
        rows = self._connection.execute(
            "SELECT detail_id, fen FROM returns WHERE cause = ?", (cause,)
        )
        return dict(rows.fetchall())

    def _left(self, number: str, lines: Sequence[PaidLine]) -> dict[str, int]:
        """What can still come back of each line of a voucher."""
        rows = self._connection.execute(
            "SELECT detail_id, sum(fen) FROM returns WHERE number = ? GROUP BY detail_id",
            (number,),
        )
        back: dict[str, int] = dict(rows.fetchall())
        return {line.id: line.fen - back.get(line.id, 0) for line in lines}

    def _set_aside(self, cause: str, number: str, lines: Sequence[PaidLine]) -> int:
        self._connection.executemany(
            "INSERT OR IGNORE INTO returns (cause, number, detail_id, fen) VALUES (?, ?, ?, ?)",
            [(cause, number, line.id, line.fen) for line in lines],
        )
        [serial] = self._connection.execute(
            "SELECT min(id) FROM returns WHERE cause = ?", (cause,)
        ).fetchone()
        return int(serial)

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
            if item.receipt:
                rows += [(item.number, at, item.head, item.receipt) for at in item.due_s]
            follow_s = [at + NOTICE_AFTER_S for at in item.due_s if item.receipt] or item.due_s
            rows += [(item.number, at, item.head, n) for n in item.notices for at in follow_s]
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


_encode_lines = msgspec.msgpack.Encoder().encode
_decode_lines = msgspec.msgpack.Decoder(tuple[PaidLine, ...]).decode

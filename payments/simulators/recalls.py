"""What a simulated bank can still stop: vouchers whose receipt has not gone out, or has not come.

A recall of a voucher that has not arrived is remembered, so that it is returned when it does.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import msgspec

from ledger.errors import Code, Refusal
from payments.messages.envelope import RECEIPT, VoucherBody

RECALLED = "已撤销"  # why a voucher that was stopped is returned
SCHEMA = """
CREATE TABLE IF NOT EXISTS stoppable (
    number  TEXT PRIMARY KEY,      -- of a voucher
    until_s REAL,                  -- Unix time at which its receipt goes out; NULL for no such time
    head    TEXT NOT NULL,
    receipt BLOB NOT NULL          -- by which it is returned, not signed yet, compressed
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recalled (
    number TEXT PRIMARY KEY        -- of a voucher, here or still to come
) WITHOUT ROWID;
"""

_decode = msgspec.msgpack.Decoder(VoucherBody).decode


def returned_receipt(body: VoucherBody, form: bytes) -> bytes:
    """The receipt, not signed, of a voucher that is stopped before its own goes out; empty where it
    can not be."""
    if not form:
        return b""
    returned = msgspec.structs.replace(
        body, voucher_flag=RECEIPT, voucher=form, return_reason=RECALLED, signatures=()
    )
    return msgspec.msgpack.encode(returned)


class RecallBook:
    """A part of the simulator's book, on its connection and within its transactions."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        transaction: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._connection = connection
        self._transaction = transaction
        connection.executescript(SCHEMA)

    def is_recalled(self, number: str) -> bool:
        with self._transaction():
            return self._is_in("recalled", number)

    def note(self, rows: Iterable[tuple[str, float | None, str, bytes]]) -> None:
        """Vouchers that can be stopped: number, until when, head and receipt. Within a transaction
        of the book."""
        self._connection.executemany(
            "INSERT INTO stoppable (number, until_s, head, receipt) VALUES (?, ?, ?, ?)",
            [
                (number, until_s, head, zlib.compress(body, 1))
                for number, until_s, head, body in rows
            ],
        )

    def gone(self, receipts: Iterable[int]) -> None:
        """What was paid by these receipts can be stopped no more. Likewise."""
        self._connection.executemany(
            "DELETE FROM stoppable WHERE number IN (SELECT number FROM receipts WHERE id = ?)",
            [(each,) for each in receipts],
        )

    def stop(self, number: str, now_s: float, sign: Callable[[VoucherBody], VoucherBody]) -> None:
        """Stops a voucher: its receipt says that nothing was paid. Once is as good as twice.

        Raises:
            Refusal: ``invalid_state``: it is paid, and its receipt has gone out.
        """
        with self._transaction():
            if self._is_in("recalled", number):
                return
            if self._is_in("vouchers", number):
                self._return(number, now_s, sign)
            self._connection.execute("INSERT INTO recalled (number) VALUES (?)", (number,))

    def _return(
        self, number: str, now_s: float, sign: Callable[[VoucherBody], VoucherBody]
    ) -> None:
        execute = self._connection.execute
        row = execute(
            "SELECT head, receipt FROM stoppable s WHERE number = ?1"
            " AND (until_s IS NULL OR until_s > ?2) AND NOT EXISTS"
            " (SELECT 1 FROM receipts r WHERE r.number = ?1 AND r.due_s <= ?2)",
            (number, now_s),
        ).fetchone()
        if row is None:
            raise Refusal(Code.INVALID_STATE, f"voucher {number} is paid 已支付")
        self._returned_instead(number, row, now_s, sign)

    def return_recalled(
        self, numbers: Iterable[str], now_s: float, sign: Callable[[VoucherBody], VoucherBody]
    ) -> None:
        """Returns what is written down in this moment and was recalled while it was judged. Within
        a transaction of the book."""
        for number in numbers:
            row = self._connection.execute(
                "SELECT head, receipt FROM stoppable s JOIN recalled r USING (number)"
                " WHERE number = ?",
                (number,),
            ).fetchone()
            if row is not None:
                self._returned_instead(number, row, now_s, sign)

    def _returned_instead(
        self,
        number: str,
        stoppable: tuple[str, bytes],
        now_s: float,
        sign: Callable[[VoucherBody], VoucherBody],
    ) -> None:
        """It pays nothing, and its receipt that says so goes out."""
        execute, (head, kept) = self._connection.execute, stoppable
        body = msgspec.msgpack.encode(sign(_decode(zlib.decompress(kept))))
        for table in ("receipts", "stoppable", "paid_lines", "returns"):
            execute(f"DELETE FROM {table} WHERE number = ?", (number,))  # noqa: S608
        execute(
            "UPDATE vouchers SET amount_fen = 0, head = ?, receipt = ? WHERE number = ?",
            (head, zlib.compress(body, 1), number),
        )
        execute(
            "INSERT INTO receipts (number, due_s, head, body) VALUES (?, ?, ?, ?)",
            (number, now_s, head, body),
        )

    def _is_in(self, table: str, number: str) -> bool:
        found = self._connection.execute(
            f"SELECT 1 FROM {table} WHERE number = ?",  # noqa: S608
            (number,),
        )
        return found.fetchone() is not None

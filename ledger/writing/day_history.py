"""What an earlier release kept without, folded from the events, once: registers, or their days."""

from datetime import date

import psycopg

from ledger.books import Charts
from ledger.deciding.refolding import Refold
from ledger.deciding.registers import AnyRegister, declared
from ledger.reading.streaming import stream_events
from ledger.writing.restoring import write_days, write_rows

EPOCH = date(1970, 1, 1).toordinal()
_UNTOLD = "SELECT EXISTS (SELECT FROM registers WHERE ledger_id = %s AND day IS NULL)"


def fold_register(
    connection: psycopg.Connection, ledger_id: int, register: AnyRegister, charts: Charts
) -> None:
    """Folds a register that a ledger has no rows of, because a release before had none, and writes
    it. The ledger's head is locked by the caller; the caller commits.

    Raises:
        IntegrityError: events that no fold can follow.
    """
    refold = Refold(charts, registers=[register])
    _take_all(connection, ledger_id, refold)
    write_rows(connection, ledger_id, register, refold.dated_rows(register))


def _take_all(connection: psycopg.Connection, ledger_id: int, refold: Refold) -> None:
    for chunk in stream_events(connection, ledger_id, 0, 2**62):
        for position, day, type_, payload in zip(
            chunk.positions, chunk.days, chunk.types, chunk.payloads, strict=True
        ):
            refold.take(type_.decode(), payload, position, date.fromordinal(EPOCH + day))


def fold_days(connection: psycopg.Connection, ledger_id: int, charts: Charts) -> bool:
    """Folds a ledger's history and writes what its registers are on each day; whether that was
    due. The ledger's head is locked by the caller; the caller commits.

    Raises:
        IntegrityError: events that no fold can follow.
    """
    [(due,)] = connection.execute(_UNTOLD, (ledger_id,)).fetchall()
    if not due:
        return False
    refold = Refold(charts)
    _take_all(connection, ledger_id, refold)
    for register in declared():
        write_days(connection, ledger_id, register, refold.dated_rows(register))
    return True

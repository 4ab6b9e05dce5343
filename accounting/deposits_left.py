"""专户资金, 单位资金: what lies in each account of a year, by its register or from its events."""

import msgspec
import psycopg

from ledger.events import type_names
from ledger.money import stored_fen
from ledger.reading.loading import read_rows
from ledger.reading.streaming import stream_of_types
from payments.special_accounts.cash import SPECIAL_CASH, moved_key
from payments.special_accounts.events import SpecialCashMoved

_moved = msgspec.json.Decoder(SpecialCashMoved).decode


def read_deposits(connection: psycopg.Connection, ledger_id: int) -> dict[str, int]:
    """By row, what lies in each special account of a ledger, and in units' own, in fen, as its
    register has it."""
    rows = read_rows(connection, ledger_id, SPECIAL_CASH)
    return {key: rows[key].balance for key in sorted(rows) if rows[key].balance}


def fold_deposits(connection: psycopg.Connection, ledger_id: int, upto: int) -> dict[str, int]:
    """As :func:`read_deposits`, as of a position and from the events alone."""
    found: dict[str, int] = {}
    types = type_names(SpecialCashMoved)
    for _, payload in stream_of_types(connection, ledger_id, 0, upto, types):
        moved = _moved(payload)
        key = moved_key(moved)
        found[key] = found.get(key, 0) + stored_fen(moved.amt)
    return {key: found[key] for key in sorted(found) if found[key]}

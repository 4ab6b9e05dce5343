"""Where the standing ledgers stand that a year's ledger rests on."""

import psycopg

from ledger.account_set import ledger_text, standing_ledgers_of
from ledger.events import StandingHead


def read_standing_heads(connection: psycopg.Connection, ledger_id: int) -> dict[int, StandingHead]:
    """Where the standing ledgers stand that a year's ledger rests on, those that there are."""
    rows = connection.execute(
        "SELECT ledger_id, position, chain FROM ledgers WHERE ledger_id = ANY(%s)"
        " ORDER BY ledger_id",
        (list(standing_ledgers_of(ledger_id)),),
    )
    return {key: StandingHead(ledger_text(key), at, chain.hex()) for key, at, chain in rows}

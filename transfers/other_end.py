"""What a receiver has not allotted, as its ledger stands (``transfers.reducing.OTHER_END``)."""

from collections.abc import Collection

import psycopg

from budget.received import RECEIVED_AMOUNTS
from ledger.money import yuan
from ledger.reading.loading import read_rows
from ledger.reading.locking import reads
from transfers.reducing import OTHER_END, OtherEnd
from transfers.transfer import receiving_ledger


@reads(OTHER_END)
def look(
    connection: psycopg.Connection, ledger_id: int, keys: Collection[str]
) -> dict[str, OtherEnd]:
    """Looked at, not locked: no ledger waits for another."""
    return {key: _rest(connection, ledger_id, *key.split("/", 1)) for key in keys}


def _rest(
    connection: psycopg.Connection, ledger_id: int, rec_div_code: str, bgt_doc_no: str
) -> OtherEnd:
    to = receiving_ledger(ledger_id, rec_div_code)
    row = read_rows(connection, to, RECEIVED_AMOUNTS, [bgt_doc_no]).get(bgt_doc_no)
    return OtherEnd() if row is None else OtherEnd(yuan(row.rest))

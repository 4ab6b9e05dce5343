"""Whether what was spent is reimbursed in another year of the division: read, and locked, where its
registers are.

Who asks holds the division's lock until he has committed. So of two years that would reimburse the
same, the second finds what the first has written.
"""

from collections.abc import Collection, Iterable

import psycopg

from ledger.account_set import YEARS, ledger_text
from ledger.gm import sm3
from ledger.reading.locking import reads
from ledger.reading.other_ledgers import ledgers_with_row
from payments.cards.lines import OTHER_YEAR, REIMBURSED, OtherYear

_LOCK = "SELECT pg_advisory_xact_lock(%s)"


@reads(OTHER_YEAR)
def lock_other_years(
    connection: psycopg.Connection, ledger_id: int, keys: Collection[str]
) -> dict[str, OtherYear]:
    """By line, as it stays until the transaction ends."""
    division = ledger_id // YEARS
    digest = sm3(f"card_line\0{division}".encode())
    connection.execute(_LOCK, (int.from_bytes(digest[:8], "big", signed=True),))
    found = ledgers_with_row(connection, division, REIMBURSED, sorted(keys))
    return {key: _beside(ledger_id, found.get(key, ())) for key in keys}


def _beside(ledger_id: int, found: Iterable[int]) -> OtherYear:
    others = (ledger_text(other) for other in found if other != ledger_id)
    return OtherYear(next(others, ""))

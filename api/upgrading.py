"""What a database of an earlier release needs besides its schema, done when the program starts.

What was before there were standing ledgers is put on record (``division.adopting``). Ledgers that
had claims answered before there was a register of cash, or income reported before there was one of
that, have it folded from their events; those that were opened before floors held on every business
day have the days of their registers folded, and say from when on the floors do.
"""

import structlog
from psycopg_pool import ConnectionPool

from accounting.income_register import INCOME
from division.adopting import adopt
from ledger.account_set import ledger_text
from ledger.books import Charts
from ledger.deciding.command import Submission
from ledger.deciding.opening import DATED_FLOORS, DateFloors
from ledger.errors import UnavailableError
from ledger.reading import loading
from ledger.reading.objects import list_heads
from ledger.writing.day_history import fold_days, fold_register
from ledger.writing.sequencer import Sequencer
from payments.clearing.cash import CASH
from transfers.tier_funds import TIER_FUNDS

log = structlog.get_logger(__name__)

PRINCIPAL = "guoku"
COMMIT_TIMEOUT_S = 120
_WITHOUT = """
SELECT l.ledger_id FROM ledgers l WHERE EXISTS (SELECT FROM command_keys k
    WHERE k.ledger_id = l.ledger_id AND k.operation = ANY(%s))
  AND NOT EXISTS (SELECT FROM registers r WHERE r.ledger_id = l.ledger_id AND r.register = %s)
ORDER BY l.ledger_id"""
# registers that are younger than ledgers which their events moved, and the operations of those
_YOUNGER = (
    (CASH, ["clearing.receipt"]),
    (INCOME, ["income.load", "income.receive"]),
    (TIER_FUNDS, ["transfer.issue"]),
)


def bring_up_to_date(pool: ConnectionPool, charts: Charts, sequencer: Sequencer) -> None:
    """Does all of it; while nothing may be written it waits for the next start.

    Raises:
        IntegrityError: as :func:`date_floors`.
    """
    try:
        with pool.connection() as connection:
            adopt(connection, sequencer.conditions)
        keep_registers(pool, charts)
        date_floors(pool, charts, sequencer)
    except UnavailableError as error:
        log.warning("what an earlier release has left is put on record later", reason=str(error))


def keep_registers(pool: ConnectionPool, charts: Charts) -> list[int]:
    """Gives the ledgers whose events moved a register before there was one, and have it now. It may
    be done again, and by several programs at once.

    Raises:
        IntegrityError: a history that cannot be folded; the ledgers before it are done.
    """
    kept = []
    for register, operations in _YOUNGER:
        asked = operations, register.name
        with pool.connection() as connection:
            waiting = [ledger_id for (ledger_id,) in connection.execute(_WITHOUT, asked)]
        for ledger_id in waiting:
            with pool.connection() as connection:
                loading.lock(connection, ledger_id)
                if (ledger_id,) not in connection.execute(_WITHOUT, asked).fetchall():
                    continue  # another program was first
                fold_register(connection, ledger_id, register, charts)
            log.info("has a register from now on", of=register.name, ledger=ledger_text(ledger_id))
        kept += waiting
    return kept


def date_floors(pool: ConnectionPool, charts: Charts, sequencer: Sequencer) -> list[int]:
    """Gives the ledgers that say now that their floors hold on every business day.

    It may be done again, and by several programs at once.

    Raises:
        IntegrityError: a history that cannot be folded; the ledgers before it are done.
        UnavailableError: nothing may be written now.
    """
    with pool.connection() as connection:
        waiting = [
            head.ledger_id
            for head in list_heads(connection)
            if not head.settings.get(DATED_FLOORS).said
        ]
    for ledger_id in waiting:
        with pool.connection() as connection:
            loading.lock(connection, ledger_id)
            fold_days(connection, ledger_id, charts)
        said = sequencer.submit(ledger_id, [Submission(command=DateFloors(), by=PRINCIPAL)])
        said.result(COMMIT_TIMEOUT_S)  # another program may have been first
        log.info("floors hold on every business day from now on", ledger=ledger_text(ledger_id))
    return waiting

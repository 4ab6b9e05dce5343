"""What is on its way, for tests of sending: a dispatcher for a while, rows, events."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg

from ledger.account_set import ledger_text
from payments.delivery import leases, outbox
from payments.delivery.dispatcher import Dispatcher
from payments.delivery.outbox import Parcel
from payments.delivery.sending import SendingPolicy
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import FAST, SigningTreasury


@contextmanager
def sending(
    treasury: SigningTreasury,
    bank_url: str,
    pboc_url: str = "",
    policy: SendingPolicy = FAST,
    **more: Any,
) -> Iterator[Dispatcher]:
    dispatcher = treasury.dispatcher(bank_url, pboc_url, policy, **more)
    dispatcher.start()
    try:
        yield dispatcher
    finally:
        dispatcher.stop()


def read_all(connection: psycopg.Connection, keeper: Bookkeeper) -> None:
    """The outbox has read all of the ledger."""
    while outbox.consume(connection, keeper.ledger_id):
        pass


def event_counts(treasury: SigningTreasury) -> Counter[str]:
    return Counter(name for _, name, _ in treasury.keeper.events())


def dead(treasury: SigningTreasury) -> dict[str, str]:
    with treasury.pool.connection() as connection:
        return {item.number: item.last_error for item in outbox.list_dead(connection)}


def rows(treasury: SigningTreasury) -> list[tuple[str, str]]:
    return treasury.keeper.sql(
        "SELECT number, state FROM outbox WHERE ledger_id = %s ORDER BY number"
    )


def attempts_begun(treasury: SigningTreasury) -> int:
    [(attempts,)] = treasury.keeper.sql(
        "SELECT coalesce(max(attempts), 0) FROM outbox WHERE ledger_id = %s"
    )
    return int(attempts)


def last_error(treasury: SigningTreasury) -> str:
    return str(treasury.keeper.sql("SELECT last_error FROM outbox WHERE ledger_id = %s")[0][0])


def due_rows(treasury: SigningTreasury) -> list[tuple[str, int, datetime]]:
    """Number, attempts begun, and when it is due again, of what waits to be sent."""
    return treasury.keeper.sql(
        "SELECT number, attempts, next_attempt_at FROM outbox"
        " WHERE ledger_id = %s AND state = 'due' ORDER BY number"
    )


def ledger_name(treasury: SigningTreasury) -> str:
    return ledger_text(treasury.keeper.ledger_id)


def taken_rows(connection: psycopg.Connection, limit: int) -> Parcel:
    """Rows in the hands of a sender that takes its time."""
    parcel = leases.take(connection, limit, lease_s=3600.0)
    assert parcel is not None
    return parcel

"""转移支付: transfers in pages, at either end, and what is under way between two ledgers.

There are some thousands in a year, each with a handful of events: they are folded when they are
asked for, so that no read model has to follow them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg

from budget.received import (
    FROM_ABOVE,
    RECEIVED_AMOUNTS,
    RECEIVED_TRANSFER,
    FromAbove,
    ReceivedAmounts,
    ReceivedTransfer,
)
from division.installations import installation_of
from ledger.account_set import division_of, fiscal_year_of, ledger_text
from ledger.deciding.objects import AnyKind
from ledger.reading.loading import read_rows
from ledger.reading.objects import numbers_of, read_head, read_objects
from projections.core.moments import one_moment
from transfers.tier_funds import TIER_FUNDS, TierFunds
from transfers.transfer import (
    SENT,
    TRANSFER,
    TRANSFERS,
    Transfer,
    receiving_ledger,
    sent_key,
    status_in,
)

_AT_ONCE = 500


class TransferPage(NamedTuple):
    """Objects, the number behind which the next page begins, None where nothing follows, and the
    position of which they are."""

    items: list[Any]
    after: str | None
    position: int


class TransferBalance(NamedTuple):
    """Between two ledgers, in fen: what the one has sent, and what the other has accepted."""

    sent_fen: int
    accepted_fen: int
    reduced_fen: int

    @property
    def in_transit_fen(self) -> int:
        """在途: what was sent and is not accepted."""
        return self.sent_fen - self.accepted_fen


def transfers_page(
    connection: psycopg.Connection,
    ledger_id: int,
    holds: Callable[[Transfer, str], bool],
    after: str,
    most: int,
) -> TransferPage:
    """What a ledger has sent, by number, each with its status, of which ``holds`` is asked, too."""
    with one_moment(connection):
        rows = read_rows(connection, ledger_id, TIER_FUNDS)

        def status(transfer: Transfer) -> str:
            return status_in(transfer, rows.get(transfer.tier_key, TierFunds()))

        def is_shown(transfer: Transfer) -> bool:
            return holds(transfer, status(transfer))

        page = _page(connection, ledger_id, TRANSFER, is_shown, after, most)
    return page._replace(items=[(each, status(each)) for each in page.items])


def status_now(connection: psycopg.Connection, ledger_id: int, transfer: Transfer) -> str:
    """A transfer's status with what is settled between the two tiers."""
    rows = read_rows(connection, ledger_id, TIER_FUNDS, [transfer.tier_key])
    return status_in(transfer, rows.get(transfer.tier_key, TierFunds()))


def received_page(
    connection: psycopg.Connection,
    ledger_id: int,
    holds: Callable[[ReceivedTransfer], bool],
    after: str,
    most: int,
) -> TransferPage:
    """What a ledger has received, by document, each with what is left of it."""
    with one_moment(connection):
        page = _page(connection, ledger_id, RECEIVED_TRANSFER, holds, after, most)
        documents = [each.sup_bgt_doc_no for each in page.items]
        rows = read_rows(connection, ledger_id, RECEIVED_AMOUNTS, documents)
    items = [(each, rows.get(each.sup_bgt_doc_no, ReceivedAmounts())) for each in page.items]
    return TransferPage(items, page.after, page.position)


def transfer_balance(connection: psycopg.Connection, sender: int, to: int) -> TransferBalance:
    """As both ledgers stand at one moment; of ledgers of different years nothing.

    Of two that are kept by two installations the one that is here tells what it knows: a sender
    what it has on record as accepted, a receiver what has come.
    """
    if fiscal_year_of(sender) != fiscal_year_of(to):
        return TransferBalance(0, 0, 0)
    with one_moment(connection):
        sent = read_rows(connection, sender, SENT)
        above = read_rows(connection, to, FROM_ABOVE, [ledger_text(sender)])
        is_here = read_head(connection, to) is not None
        noted_fen = 0 if is_here else _noted_fen(connection, sender, to)
        knows_sender = read_head(connection, sender) is not None
    begin = sent_key(division_of(to), "")
    there = [row for key, row in sent.items() if key.startswith(begin)]
    come = above.get(ledger_text(sender), FromAbove())
    accepted_fen = come.accepted if is_here else noted_fen
    if not knows_sender:
        return TransferBalance(come.waiting + come.accepted, come.accepted, 0)
    return TransferBalance(
        sent_fen=sum(row.sent for row in there),
        accepted_fen=accepted_fen,
        reduced_fen=sum(row.reduced for row in there),
    )


def all_known(connection: psycopg.Connection, sender: int, to: int) -> bool:
    """Whether each of two ledgers is open here, or another installation keeps it."""
    return all(
        read_head(connection, key) is not None
        or installation_of(connection, other, key) is not None
        for key, other in ((sender, to), (to, sender))
    )


def _noted_fen(connection: psycopg.Connection, sender: int, to: int) -> int:
    """What a sender has on record as accepted by a ledger that is kept elsewhere."""
    rows = read_rows(connection, sender, TRANSFERS)
    numbers = [number for number, row in rows.items() if row.accepted]
    transfers = read_objects(connection, sender, TRANSFER, numbers)
    return sum(
        rows[number].accepted
        for number, transfer in transfers.items()
        if receiving_ledger(sender, transfer.issued.rec_div_code) == to
    )


def _page(
    connection: psycopg.Connection,
    ledger_id: int,
    kind: AnyKind,
    holds: Callable[[Any], bool],
    after: str,
    most: int,
) -> TransferPage:
    found: list[tuple[str, Any]] = []
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        while len(found) <= most and (
            numbers := numbers_of(connection, ledger_id, kind, after, _AT_ONCE)
        ):
            objects = read_objects(connection, ledger_id, kind, numbers)
            found += [
                (number, objects[number])
                for number in numbers
                if number in objects and holds(objects[number])
            ]
            after = numbers[-1]
    following = found[most - 1][0] if len(found) > most else None
    position = head.position if head else 0
    return TransferPage([each for _, each in found[:most]], following, position)

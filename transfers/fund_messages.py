"""异地往来: what messages of two installations say of settlements and of cash that has come.

As of transfers: what a receiver is not known to have is brought with each message, and its words
are taken by their numbers, once.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from ledger.elements.code_sets import ElementRegister
from ledger.errors import Code, RequestError
from ledger.events import type_names
from ledger.money import parse_yuan
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from payments.dispatch_events import FundsArrived
from payments.orders.ordering import ORDERED, PAID
from transfers.arriving import NoteArrival
from transfers.bringing_funds import (
    steps_to_settle,
    unnoted_settlements,
    word_of_arrival,
    word_of_settlement,
)
from transfers.settling import SETTLE_KINDS, NoteSettlement, TakeSettlement
from transfers.tier_events import SettlementTaken
from transfers.tier_funds import (
    FUND_DISPATCH,
    FUND_SETTLEMENT,
    TAKEN_SETTLEMENT,
    TIER_FUNDS,
    FundDispatch,
    FundSettlement,
    TierKey,
)

FundsWord = NoteSettlement | NoteArrival

# what a receiver says of them that is its sender's to know
FUNDS_WORDS = (*type_names(SettlementTaken), *type_names(FundsArrived))


def tiers_waited_for(connection: psycopg.Connection, sender: int) -> Iterator[str]:
    """The divisions whose word on cash or a settlement this ledger waits for."""
    for key, row in read_rows(connection, sender, TIER_FUNDS).items():
        if row.in_transit or row.unsettled:
            yield TierKey.parsed(key).div_code


def settlements_to_take(
    connection: psycopg.Connection, sender: int, to: int
) -> list[TakeSettlement]:
    """For a tier below, what was settled of it and it is not known to have."""
    unnoted = unnoted_settlements(connection, sender).get(to, [])
    return steps_to_settle(connection, sender, unnoted)


def funds_word_of(event: Any, place: Any) -> FundsWord:
    """What a receiver's event tells the sender."""
    if isinstance(event, SettlementTaken):
        return word_of_settlement(event, place)
    return word_of_arrival(event, place)


def funds_news(
    connection: psycopg.Connection, sender: int, words: Sequence[FundsWord]
) -> tuple[list[FundsWord], list[FundsWord]]:
    """Of these words those that the sender has not noted, and those that are early: the central
    bank has not told it yet that the cash has left. Of what it has not given there is no news."""
    settled = [word.settle_no for word in words if isinstance(word, NoteSettlement)]
    sent = [word.dispatch_no for word in words if isinstance(word, NoteArrival)]
    settlements: dict[str, FundSettlement] = read_objects(
        connection, sender, FUND_SETTLEMENT, settled
    )
    dispatches: dict[str, FundDispatch] = read_objects(connection, sender, FUND_DISPATCH, sent)
    news: list[FundsWord] = []
    early: list[FundsWord] = []
    for word in words:
        if isinstance(word, NoteSettlement):
            settlement = settlements.get(word.settle_no)
            if settlement is not None and settlement.noted is None:
                news.append(word)
        elif (dispatch := dispatches.get(word.dispatch_no)) is not None:
            if dispatch.status == PAID:
                news.append(word)
            elif dispatch.status == ORDERED:
                early.append(word)
    return news, early


def require_settlement_of(step: TakeSettlement, from_ledger: str) -> None:
    """Raises RequestError for what no ledger of ours would say, or says of another."""
    if step.settled.ledger != from_ledger or step.settled.position < 1:
        raise RequestError(Code.MALFORMED, f"{step.number[:60]} is no word of {from_ledger}")
    if step.settle_kind not in SETTLE_KINDS:
        raise RequestError(Code.MALFORMED, f"{step.settle_kind[:40]!r} is no kind of settlement")
    parse_yuan(step.amt, pointer="/amt")
    for name in ("settle_no", "fund_type_code", "is_dir_code"):
        if text := getattr(step, name):
            ElementRegister.check_shape(name, text)


def settlement_there(connection: psycopg.Connection, to: int, step: TakeSettlement) -> str | None:
    """Why a ledger will never take it, "" where it has it, None where it waits to be taken."""
    found = read_objects(connection, to, TAKEN_SETTLEMENT, [step.number])
    taken: SettlementTaken | None = found.get(step.number)
    if taken is None:
        return None
    is_same = all(getattr(taken, name) == getattr(step, name) for name in step.__struct_fields__)
    return "" if is_same else f"{step.number} was entered otherwise 结算不符"

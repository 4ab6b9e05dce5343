"""合同和采购计划: contracts and purchase plans in pages, from their events and registers.

There are some thousands in a year, each with a handful of events: they are folded when they are
asked for, so that no read model has to follow them.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import psycopg

from division.rights import begins_with
from ledger.deciding.objects import Kind
from ledger.deciding.registers import Register
from ledger.reading.loading import read_rows
from ledger.reading.objects import numbers_of, read_head, read_objects
from payments.contracts.contract import CONTRACT, CONTRACTS, Contract, ContractAmounts
from payments.contracts.plan import PLANS, PURCHASE_PLAN, PurchasePlan, Uncontracted
from projections.core.moments import one_moment

T = TypeVar("T", bound=Contract | PurchasePlan)
_AT_ONCE = 500


class PurchaseFilter(NamedTuple):
    """Which are asked for; "" and () is whichever."""

    agency_code: str = ""
    pur_plan_no: str = ""
    bgt_id: str = ""
    prefixes: Sequence[str] = ()

    def holds(self, obj: Contract | PurchasePlan) -> bool:
        return (
            self.agency_code in ("", obj.agency_code)
            and self.pur_plan_no in ("", obj.pur_plan_no)
            and self.bgt_id in ("", obj.bgt_id)
            and (not self.prefixes or begins_with(obj.agency_code, self.prefixes))
        )


class PurchasePage(NamedTuple):
    """Objects with their amounts, the number behind which the next page begins, None where nothing
    follows, and the position of which they are."""

    items: list[tuple[Any, Any]]
    after: str | None
    position: int


def contracts_page(
    connection: psycopg.Connection, ledger_id: int, asked: PurchaseFilter, after: str, most: int
) -> PurchasePage:
    """Contracts by their numbers, each with its amounts."""
    return _page(connection, ledger_id, CONTRACT, CONTRACTS, ContractAmounts, asked, after, most)


def plans_page(
    connection: psycopg.Connection, ledger_id: int, asked: PurchaseFilter, after: str, most: int
) -> PurchasePage:
    """Purchase plans by their numbers, each with what no contract has."""
    return _page(connection, ledger_id, PURCHASE_PLAN, PLANS, Uncontracted, asked, after, most)


def _page(
    connection: psycopg.Connection,
    ledger_id: int,
    kind: Kind[T],
    register: Register[Any],
    nothing: Callable[[], Any],
    asked: PurchaseFilter,
    after: str,
    most: int,
) -> PurchasePage:
    found: list[tuple[str, T]] = []
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        while len(found) <= most and (
            numbers := numbers_of(connection, ledger_id, kind, after, _AT_ONCE)
        ):
            objects = read_objects(connection, ledger_id, kind, numbers)
            found += [
                (number, objects[number])
                for number in numbers
                if number in objects and asked.holds(objects[number])
            ]
            after = numbers[-1]
        amounts = read_rows(connection, ledger_id, register, [number for number, _ in found[:most]])
    items = [(obj, amounts.get(number, nothing())) for number, obj in found[:most]]
    following = found[most - 1][0] if len(found) > most else None
    return PurchasePage(items, following, head.position if head else 0)

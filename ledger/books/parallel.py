"""平行记账: what moves cash of the budget is booked on the financial side and on the budgetary one.

A rule of the chart books both, so it cannot leave one out. What a person books is held against
these entries of the chart: cash of some accounts is the same money as a balance of 资金结存.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec


class Parallel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accounts of cash, and those of 资金结存 that say the same of the budget.

    Attributes:
        financial: accounts of the cash in the financial book.
        budgetary: accounts of the budgetary book that move as that cash does.
        outside: accounts of the financial book for what is not the budget's, or not yet
            (应缴财政款, 其他应付款): cash that comes for them needs no budgetary side, and what is
            cleared of them later may have one.
    """

    financial: tuple[str, ...]
    budgetary: tuple[str, ...]
    outside: tuple[str, ...] = ()


class Unpaired(NamedTuple):
    """What the budgetary side of an entry lacks, or has too much: fen, debits positive."""

    name: str
    least_fen: int
    most_fen: int
    booked_fen: int


def unpaired(parallel: Mapping[str, Parallel], moved_fen: Mapping[str, int]) -> Iterable[Unpaired]:
    """The entries of the chart that what accounts are moved by does not keep to.

    Args:
        moved_fen: by account, debits less credits.
    """
    for name, each in parallel.items():
        cash = sum(moved_fen.get(account, 0) for account in each.financial)
        outside = sum(moved_fen.get(account, 0) for account in each.outside)
        booked = sum(moved_fen.get(account, 0) for account in each.budgetary)
        least, most = sorted((cash, cash + outside))
        if not least <= booked <= most:
            yield Unpaired(name, least, most, booked)

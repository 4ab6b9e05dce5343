"""What the program needs of every posting rule: which amounts it gives and what they must move.

A chart is free in its accounts. It is not free in what controls a budget, nor to leave a book out:
so a rule is held against its entry here when the chart is loaded.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ledger.elements.register import DIMENSIONS

# book -> control -> change of its balance by one fen of the amount, credit positive. The amount
# must move each of these books, and no control but these.
AmountMoves = Mapping[str, Mapping[str, int]]


class RuleNeeds(NamedTuple):
    """What one rule is given, and what it must do with it.

    Attributes:
        elements: whose codes the program gives; only by these may accounts be chosen.
        amounts: the amounts the program gives, and what each must move.
    """

    elements: tuple[str, ...]
    amounts: Mapping[str, AmountMoves]


Needs = Mapping[str, RuleNeeds]  # by the rule's name

_ISSUED: AmountMoves = {"indicator": {"available": 1}}
_CUT: AmountMoves = {"indicator": {"available": -1}}
_FROZEN: AmountMoves = {"indicator": {"available": -1, "frozen": 1}}
_UNFROZEN: AmountMoves = {"indicator": {"available": 1, "frozen": -1}}
_OCCUPIED: AmountMoves = {"indicator": {"available": -1, "occupied": 1}}
_RELEASED: AmountMoves = {"indicator": {"available": 1, "occupied": -1}}
_OF_THE_UNIT: AmountMoves = {"unit_financial": {}, "unit_budgetary": {}, "zero_balance": {}}
_PAID: AmountMoves = {"indicator": {"occupied": -1, "paid": 1}, **_OF_THE_UNIT}
_REFUNDED: AmountMoves = {"indicator": {"paid": -1, "available": 1}, **_OF_THE_UNIT}
_CLEARED: AmountMoves = {"treasury_financial": {}, "treasury_budgetary": {}, "zero_balance": {}}
_CLAIMED_BY = ("gov_bgt_eco_code", "fund_type_code")  # a claim is of many indicators

NEEDS: Needs = {
    "indicator.issued": RuleNeeds(DIMENSIONS, {"amount": _ISSUED}),
    "indicator.adjusted": RuleNeeds(DIMENSIONS, {"increase": _ISSUED, "decrease": _CUT}),
    "indicator.reallocated_out": RuleNeeds(DIMENSIONS, {"amount": _CUT}),
    "indicator.reallocated_in": RuleNeeds(DIMENSIONS, {"amount": _ISSUED}),
    "indicator.frozen": RuleNeeds(DIMENSIONS, {"amount": _FROZEN}),
    "indicator.unfrozen": RuleNeeds(DIMENSIONS, {"amount": _UNFROZEN}),
    "payment.applied": RuleNeeds(DIMENSIONS, {"pay": _OCCUPIED}),
    "payment.rejected": RuleNeeds(DIMENSIONS, {"pay": _RELEASED}),
    "payment.withdrawn": RuleNeeds(DIMENSIONS, {"pay": _RELEASED}),
    "voucher.receipted": RuleNeeds(DIMENSIONS, {"paid": _PAID, "failed": _RELEASED}),
    "payment.refunded": RuleNeeds(DIMENSIONS, {"refund": _REFUNDED}),
    "clearing.2301": RuleNeeds(_CLAIMED_BY, {"claim": _CLEARED}),
    "clearing.2302": RuleNeeds(_CLAIMED_BY, {"claim": _CLEARED}),
}

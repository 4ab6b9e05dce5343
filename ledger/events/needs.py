"""What the program needs of a posting rule: which amounts it gives and what they must move.

A chart is free in its accounts. It is not free in what controls a budget, nor to leave a book out:
so each of its rules is held, when it is loaded, against what the event says that it needs.
"""

from collections.abc import Mapping
from typing import NamedTuple

# book -> control -> change of its balance by one fen of the amount, positive on the
# side of the account (a budget is a credit balance, cash a debit balance). The amount
# must move each of these books, and no control but these.
AmountMoves = Mapping[str, Mapping[str, int]]


class RuleNeeds(NamedTuple):
    """What one rule is given, and what it must do with it.

    Attributes:
        elements: whose codes the program gives; only by these may accounts be chosen.
        amounts: the amounts the program gives, and what each must move.
        back: such of them as take back what others did.
    """

    elements: tuple[str, ...]
    amounts: Mapping[str, AmountMoves]
    back: frozenset[str] = frozenset()


Needs = Mapping[str, RuleNeeds]  # by the rule's name

"""What a clerk writes on cards of indicators and payments: plain integers, nothing of ours."""

from dataclasses import dataclass, field

from payments.payment import Payment


@dataclass
class Pot:
    """An indicator as a clerk's card shows it, in fen."""

    amount: int = 0
    frozen: int = 0
    occupied: int = 0
    paid: int = 0
    plan: int = 0
    by_plan: bool = False

    @property
    def available(self) -> int:
        return self.amount - self.frozen - self.occupied - self.paid


@dataclass
class Card:
    """A payment as a clerk's card shows it."""

    pot: Pot
    fen: int
    status: str = "applied"
    refunded: int = 0
    borne: list[tuple["Pot", int]] = field(default_factory=list)  # what was corrected last, last
    issued: Payment | None = None
    done: set[str] = field(default_factory=set)


@dataclass
class Model:
    pots: dict[str, Pot] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    bank: int = 0  # what the bank paid ahead and got back, not settled yet


def corrected(
    borne: list[tuple[Pot, int]], gives: Pot, takes: Pot, fen: int
) -> list[tuple[Pot, int]]:
    """What was corrected last is moved on first."""
    left, wanted = list(borne), fen
    for place in reversed(range(len(left))):
        pot, bears = left[place]
        taken = min(wanted, bears) if pot is gives else 0
        left[place] = (pot, bears - taken)
        wanted -= taken
    return [*((pot, bears) for pot, bears in left if bears), (takes, fen)]

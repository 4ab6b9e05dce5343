"""The model: a card for each payment, as a clerk keeps it, and what must be true at the end.

Plain integers of fen, no code of the product. A card holds what was asked and what was answered;
where two persons raced, or the bank could still choose, several ends are possible, and the program
and the bank have to agree on one of them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

# what the simulated bank makes of an account, by its first digits
PLAIN, FAILS, SLOW, TWICE = "6222", "9999", "9998", "9997"
AFTER_NEXT, NEVER, SENT_BACK, REFUSED = "9996", "9995", "9994", "9993"

ENDED_BY = {"withdraw": "withdrawn", "reject": "rejected", "void": "voided"}
FINAL = frozenset({"paid", "partially_paid", "failed", "refunded", *ENDED_BY.values()})
# acts of which at most one can be taken on one payment
RIVALS = (("approve", "withdraw"), ("approve", "reject"), ("withdraw", "reject"))


class Line(NamedTuple):
    account: str
    fen: int

    @property
    def paid_fen(self) -> int:
        return 0 if self.account.startswith(FAILS) else self.fen

    @property
    def sent_back_fen(self) -> int:
        return self.fen if self.account.startswith(SENT_BACK) else 0


@dataclass
class Card:
    """A payment.

    Attributes:
        said: by act the answer, "" where it was taken and the code where it was refused.
        refunds: what is to come back, by ``refund_no``, of those that were taken.
    """

    number: str
    ledger: str
    bgt_id: str
    lines: tuple[Line, ...]
    said: dict[str, str] = field(default_factory=dict)
    refunds: dict[str, int] = field(default_factory=dict)

    @property
    def fen(self) -> int:
        return sum(line.fen for line in self.lines)

    def took(self, act: str) -> bool:
        return self.said.get(act) == ""

    @property
    def ends(self) -> frozenset[str]:
        """The statuses in which it may end; none of one that was never taken."""
        if not self.took("apply"):
            return frozenset()
        for act, status in ENDED_BY.items():
            if self.took(act):
                return frozenset({status})
        at_bank = {"failed"} if self.took("recall") else set()
        if not self.lines[0].account.startswith(NEVER):
            at_bank.add(self._paid_status)
        return frozenset(at_bank)

    @property
    def _paid_status(self) -> str:
        paid_fen = sum(line.paid_fen for line in self.lines)
        if not paid_fen:
            return "failed"
        if self.returned_fen == paid_fen:
            return "refunded"
        return "paid" if paid_fen == self.fen else "partially_paid"

    @property
    def returned_fen(self) -> int:
        return sum(self.refunds.values()) + sum(line.sent_back_fen for line in self.lines)

    def money_in(self, status: str) -> tuple[int, int]:
        """What the bank has paid, and what has come back, where the payment ends so."""
        if status not in ("paid", "partially_paid", "refunded"):
            return 0, 0
        return sum(line.paid_fen for line in self.lines), self.returned_fen

    def faults_of_answers(self) -> Iterator[str]:
        """What cannot have been answered."""
        for rivals in RIVALS:
            if all(map(self.took, rivals)):
                yield f"{self.number}: {' and '.join(rivals)} were both taken"
        paid_fen = sum(line.paid_fen for line in self.lines)
        if self.returned_fen > paid_fen:
            yield f"{self.number}: more is to come back than was paid"
        for act, code in self.said.items():
            if code and not self._may_be_refused(act, code):
                yield f"{self.number}: {act} was refused {code}, and nothing explains it"

    def _may_be_refused(self, act: str, code: str) -> bool:
        match act, code:
            case "apply", "insufficient_indicator":
                return True  # whether there was too little is told by the figures it comes with
            case "approve" | "withdraw" | "reject", "invalid_state":
                return any(act in pair and any(map(self.took, pair)) for pair in RIVALS)
            case "void", "invalid_state":
                return self.took("sign")  # a sender was first
            case "recall", "invalid_state":
                return not self.lines[0].account.startswith(NEVER)  # its receipt was first
        return False


class Shown(NamedTuple):
    """A payment as the program shows it."""

    status: str
    voucher: str
    paid_fen: int
    refunded_fen: int


class Figures(NamedTuple):
    """An indicator's."""

    amount_fen: int
    occupied_fen: int
    paid_fen: int
    available_fen: int


class BankBook(NamedTuple):
    """What the bank has written down: paid by voucher number, returned by voucher number, and of
    which application a voucher is."""

    paid_fen: Mapping[str, int]
    returned_fen: Mapping[str, int]
    application_of: Mapping[str, str]


@dataclass
class Model:
    """All that was asked for in a cycle."""

    cards: dict[str, Card] = field(default_factory=dict)
    issued_fen: dict[tuple[str, str], int] = field(default_factory=dict)  # by ledger and bgt_id

    def differences(
        self,
        payments: Mapping[str, Shown | None],
        figures: Mapping[tuple[str, str], Figures],
        bank: BankBook,
    ) -> list[str]:
        """In what the program or the bank differ from the model; empty where all agree."""
        found = [text for card in self.cards.values() for text in card.faults_of_answers()]
        spent: Counter[tuple[str, str]] = Counter()
        for card in self.cards.values():
            shown = payments[card.number]
            found += self._differences_of(card, shown, bank)
            if shown is not None and shown.status in card.ends:
                paid_fen, back_fen = card.money_in(shown.status)
                spent[card.ledger, card.bgt_id] += paid_fen - back_fen
        for key, amount_fen in self.issued_fen.items():
            due = Figures(amount_fen, 0, spent[key], amount_fen - spent[key])
            if figures[key] != due:
                found.append(f"indicator {key}: {figures[key]}, and it should be {due}")
        return found

    def paid_by_ledger(self, bank: BankBook, ledgers: Iterable[str]) -> dict[str, int]:
        """What the bank has paid for each ledger less what it has sent back: the central bank owes
        it that, and no more."""
        net_fen = dict.fromkeys(ledgers, 0)
        for voucher, paid_fen in bank.paid_fen.items():
            if paid_fen > 0:  # a return's own entry is below zero, and counted by its voucher
                card = self.cards[bank.application_of[voucher]]
                net_fen[card.ledger] += paid_fen - bank.returned_fen.get(voucher, 0)
        return net_fen

    def _differences_of(self, card: Card, shown: Shown | None, bank: BankBook) -> Iterator[str]:
        at_bank = [v for v, number in bank.application_of.items() if number == card.number]
        if shown is None:
            if card.ends:
                yield f"{card.number} was taken and is lost"
            for voucher in at_bank:
                yield f"{card.number} was never taken, and the bank has its voucher {voucher}"
            return
        if shown.status not in card.ends:
            yield f"{card.number} is {shown.status}; {card.said} allow {sorted(card.ends)}"
            return
        due = card.money_in(shown.status)
        if (shown.paid_fen, shown.refunded_fen) != due:
            yield f"{card.number} shows {shown}, and it should be {due} paid and returned"
        for voucher in at_bank:
            if voucher != shown.voucher and bank.paid_fen[voucher]:
                yield f"{card.number} was paid by {voucher} as well as by {shown.voucher}"
        booked = bank.paid_fen.get(shown.voucher, 0), bank.returned_fen.get(shown.voucher, 0)
        if booked != due:
            yield f"{card.number}: the bank paid and returned {booked}, and it should be {due}"


def strangers(bank: BankBook, known: Iterable[str]) -> list[str]:
    """Vouchers that the bank has paid and that are of no application that was ever made."""
    numbers = set(known)
    return [
        f"the bank has paid voucher {voucher}, which nobody has asked for"
        for voucher, paid_fen in bank.paid_fen.items()
        if paid_fen > 0 and bank.application_of.get(voucher) not in numbers
    ]

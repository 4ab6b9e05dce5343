"""What persons do with one payment, from application to its end.

A course is a generator: it yields where it waits for the bank, and goes on when it is asked again,
so that one client has many payments under way. What it is answered stands on the card.
"""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.faults.model.caller import Answer, Caller
from tests.faults.model.cards import (
    AFTER_NEXT,
    FAILS,
    FINAL,
    NEVER,
    PLAIN,
    REFUSED,
    SENT_BACK,
    SLOW,
    TWICE,
    Card,
)

Course = Callable[["Clerk", Card], Iterator[None]]
REASON = {"reason": "收款人有误"}
BULK_PATIENCE_S = 10.0


def yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def fen(amount: str | None) -> int:
    return int((amount or "0.00").replace(".", ""))


def numbers(cards: Sequence[Card]) -> list[str]:
    return [card.number for card in cards]


def application(card: Card) -> dict[str, Any]:
    """The body of an application; of one line it is the payment itself."""
    payee = {"payee_acct_name": "样例公司", "payee_acct_bank_name": "样例银行"}
    body: dict[str, Any] = {
        "pay_app_no": card.number,
        "bgt_id": card.bgt_id,
        "pay_amt": yuan(card.fen),
        "use_des": "办公用品",
        "payee_acct_no": card.lines[0].account,
        **payee,
    }
    if len(card.lines) > 1:
        body["details"] = [
            {
                "pay_detail_id": f"d{n}",
                "payee_acct_no": line.account,
                "pay_amt": yuan(line.fen),
                **payee,
            }
            for n, line in enumerate(card.lines)
        ]
    return body


class Clerk:
    """Acts on payments in the name of the persons whose turn it is, and notes the answers."""

    def __init__(self, caller: Caller, another: Caller, chance: random.Random) -> None:
        self.caller = caller
        self._another = another  # for who acts at the same time
        self.chance = chance

    # ---- single acts

    def apply(self, card: Card) -> bool:
        path = f"/v1/ledgers/{card.ledger}/payments"
        answer = self._noted(card, "apply", self.caller.post(path, application(card), "unit"))
        if answer.code == "insufficient_indicator":
            assert fen(answer.body["available_amt"]) < card.fen, answer.body
        return not answer.code

    def act(self, card: Card, act: str, caller: Caller | None = None) -> bool:
        """``approve``, ``reject``, ``withdraw``, ``void`` or ``recall``; with the agreement of
        another person where it waits for one."""
        persons = {"approve": "checker", "reject": "checker"}
        body = {} if act in ("approve", "withdraw") else REASON
        answer = self._with_agreement(
            caller or self.caller,
            card.ledger,
            f"{self.path(card)}/{act}",
            body,
            persons.get(act, "unit"),
        )
        return not self._noted(card, act, answer).code

    def sign(self, card: Card) -> bool:
        self.sign_all([card])
        return card.took("sign")

    def refund(self, card: Card, refund_no: str, amount_fen: int, caller: Caller) -> None:
        body = {"refund_no": refund_no, "refund_amt": yuan(amount_fen), "reason": "退回"}
        path = f"{self.path(card)}/refunds"
        answer = self._with_agreement(caller, card.ledger, path, body, "unit")
        if answer.code == "refund_exceeds_paid":
            assert fen(answer.body["available_amt"]) < amount_fen, answer.body
        elif self._noted(card, "refund", answer).code == "":
            card.refunds[refund_no] = amount_fen

    def adjust(self, ledger: str, bgt_id: str, adj_no: str, amount_fen: int) -> bool:
        """追加 or 追减 of an indicator, with its checker's agreement; False where it has too little
        that is free."""
        body = {"adj_no": adj_no, "adj_amt": yuan(amount_fen), "reason": "调整"}
        path = f"/v1/ledgers/{ledger}/indicators/{bgt_id}/adjustments"
        answer = self._with_agreement(self.caller, ledger, path, body, "maker")
        if answer.code:
            assert answer.code == "insufficient_indicator", answer
            assert fen(answer.body["available_amt"]) < -amount_fen, answer.body
        return not answer.code

    def at_once(self, *acts: Callable[[Caller], object]) -> None:
        """Two acts in the same moment."""
        callers = (self.caller, self._another)
        threads = [
            threading.Thread(target=act, args=(caller,))
            for act, caller in zip(acts, callers, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # ---- many at once, all of one ledger

    def apply_all(self, cards: Sequence[Card]) -> None:
        self._all("apply", cards, ":batch", list(map(application, cards)), "unit")

    def approve_all(self, cards: Sequence[Card]) -> None:
        self._all("approve", cards, ":approve", {"pay_app_nos": numbers(cards)}, "checker")

    def sign_all(self, cards: Sequence[Card]) -> None:
        body = {"pay_app_nos": numbers(cards), "role": "treasury"}
        self._all("sign", cards, ":sign", body, "signer")

    def _all(self, act: str, cards: Sequence[Card], path: str, body: Any, person: str) -> None:
        url = f"/v1/ledgers/{cards[0].ledger}/payments{path}"
        answer = self.caller.post(url, body, person, BULK_PATIENCE_S)
        assert not answer.code, answer
        for card, result in zip(cards, answer.body["results"], strict=True):
            card.said[act] = result["problem"]["code"] if result["status"] == "refused" else ""

    # ---- looking

    @staticmethod
    def path(card: Card) -> str:
        return f"/v1/ledgers/{card.ledger}/payments/{card.number}"

    def shown(self, card: Card) -> dict[str, Any]:
        answer = self.caller.get(self.path(card))
        assert answer.status == 200, answer
        return dict(answer.body)

    def until(self, card: Card, holds: Callable[[dict[str, Any]], object]) -> Iterator[None]:
        while not holds(self.shown(card)):
            yield

    def _noted(self, card: Card, act: str, answer: Answer) -> Answer:
        card.said[act] = answer.code
        return answer

    @staticmethod
    def _with_agreement(
        caller: Caller, ledger: str, path: str, body: dict[str, str], person: str
    ) -> Answer:
        answer = caller.post(path, body, person)
        if answer.status != 202:
            return answer
        document = f"/v1/ledgers/{ledger}/documents/{answer.body['kind']}/{answer.body['number']}"
        return caller.post(f"{document}/approve", {}, "checker")


def is_final(shown: dict[str, Any]) -> bool:
    return shown["status"] in FINAL


# ---- courses


def paid(clerk: Clerk, card: Card) -> Iterator[None]:
    if clerk.apply(card) and clerk.act(card, "approve"):
        yield
        clerk.sign(card)


def withdrawn(clerk: Clerk, card: Card) -> Iterator[None]:
    if clerk.apply(card):
        yield
        clerk.act(card, "withdraw")


def rejected(clerk: Clerk, card: Card) -> Iterator[None]:
    if clerk.apply(card):
        yield
        clerk.act(card, "reject")


def raced(clerk: Clerk, card: Card) -> Iterator[None]:
    """Checked and withdrawn in one moment; what was approved goes on."""
    if not clerk.apply(card):
        return
    clerk.at_once(
        lambda caller: clerk.act(card, "approve", caller),
        lambda caller: clerk.act(card, "withdraw", caller),
    )
    yield
    if card.took("approve"):
        clerk.sign(card)


def voided(clerk: Clerk, card: Card) -> Iterator[None]:
    if clerk.apply(card) and clerk.act(card, "approve"):
        yield
        clerk.act(card, "void")


def voided_late(clerk: Clerk, card: Card) -> Iterator[None]:
    """Void once it is signed: before a sender has it, or too late."""
    yield from paid(clerk, card)
    if card.took("sign"):
        clerk.act(card, "void")


def refused(clerk: Clerk, card: Card) -> Iterator[None]:
    """Its bank refuses it, and it is void after that."""
    yield from paid(clerk, card)
    if not card.took("sign"):
        return
    held = {"bank_refused"}
    yield from clerk.until(card, lambda shown: (shown["held_by"] or {}).get("code") in held)
    while not clerk.act(card, "void"):
        yield


def recalled(clerk: Clerk, card: Card) -> Iterator[None]:
    yield from paid(clerk, card)
    if card.took("sign"):
        clerk.act(card, "recall")


def refunded(clerk: Clerk, card: Card) -> Iterator[None]:
    """Two refunds in one moment that are more than was paid together, or not."""
    yield from paid(clerk, card)
    if not card.took("sign"):
        return
    yield from clerk.until(card, is_final)
    parts = [card.fen * clerk.chance.choice((2, 5, 7)) // 10 for _ in range(2)]
    one, other = (
        lambda caller, n=n, part=part: clerk.refund(card, f"{card.number}-R{n}", part, caller)
        for n, part in enumerate(parts)
    )
    clerk.at_once(one, other)
    yield from clerk.until(card, lambda shown: fen(shown["refund_amt"]) == card.returned_fen)


# a course, the accounts of its lines, and how often it is taken
COURSES: tuple[tuple[Course, tuple[str, ...], int], ...] = (
    (paid, (PLAIN,), 6),
    (paid, (FAILS,), 1),
    (paid, (TWICE,), 2),
    (paid, (AFTER_NEXT,), 2),
    (paid, (SENT_BACK,), 2),
    (paid, (PLAIN, FAILS, PLAIN), 2),
    (paid, (PLAIN, SENT_BACK), 1),
    (withdrawn, (PLAIN,), 1),
    (rejected, (PLAIN,), 1),
    (raced, (PLAIN,), 3),
    (voided, (PLAIN,), 2),
    (voided_late, (PLAIN,), 3),
    (refused, (REFUSED,), 2),
    (recalled, (PLAIN,), 1),
    (recalled, (SLOW,), 1),
    (recalled, (NEVER,), 2),
    (refunded, (PLAIN,), 3),
)

"""公务卡还款: what a payment has to say of what was spent with cards. Pure functions."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from operator import attrgetter
from typing import Protocol

from budget.events import IndicatorIssued
from division.card import CARD_OF_DIVISION, OfficialCard
from division.knowledge import cards_of
from ledger.deciding.command import Need
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan
from payments.cards.control import CARD_CONTROL
from payments.cards.lines import OTHER_YEAR, REIMBURSED, line_key
from payments.events import PaymentDetail
from payments.payees import one_spelling

OFFICIAL_CARD = "2"  # pay_bus_type_code 公务卡
_NAMED = ("card_no", "consume_date", "card_auth_no", "consume_amt")
_said = attrgetter(*_NAMED, "merchant_name")


class Reimbursing(Protocol):
    """Of the application's command; without details ``payee_acct_no`` is who is paid."""

    @property
    def payee_acct_no(self) -> str: ...
    @property
    def pay_bus_type_code(self) -> str: ...
    @property
    def details(self) -> Sequence[PaymentDetail]: ...


def check_card(detail: PaymentDetail, base: str) -> None:
    """A line says all of what was spent, or nothing.

    Raises:
        RequestError: ``malformed``, ``invalid_amount``.
    """
    if not any(_said(detail)):
        return
    for name in _NAMED:
        if not getattr(detail, name):
            raise RequestError(
                Code.MALFORMED,
                f"what was spent with a card is told by {', '.join(_NAMED)}",
                pointer=f"{base}/{name}",
            )
    parse_yuan(detail.consume_amt, pointer=f"{base}/consume_amt")
    if not _is_day(detail.consume_date):
        problem = "consume_date is a day, such as 2026-03-02"
        raise RequestError(Code.MALFORMED, problem, pointer=f"{base}/consume_date")


def _is_day(text: str) -> bool:
    """Spelled one way alone: what was spent is known by it."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def needed(details: Sequence[PaymentDetail]) -> Iterator[Need]:
    """What deciding on lines with cards has to look at."""
    for detail in details:
        if key := line_key(detail):
            yield CARD_OF_DIVISION, detail.card_no
            yield REIMBURSED, key
            yield OTHER_YEAR, key


def require_spent(details: Sequence[PaymentDetail], day: date) -> None:
    """What is reimbursed was spent before; raises Refusal ``future_date``."""
    for place, detail in enumerate(details):
        if detail.card_no and detail.consume_date > day.isoformat():
            raise Refusal(
                Code.FUTURE_DATE,
                f"{detail.consume_date} is after {day}",
                pointer=f"/details/{place}/consume_date",
            )


def hold_to_cards(
    state: LedgerState, asked: Reimbursing, issued: IndicatorIssued, card_lines: Collection[str]
) -> None:
    """A payment of type 公务卡 names with each line what was spent, with a card of the unit, and
    repays just that card; no other payment does, or pays to a card. ``card_lines`` are the keys of
    its lines.

    Raises:
        Refusal: ``element_invalid`` for a card that was not registered on the day;
            ``element_mismatch``.
    """
    is_of_cards = asked.pay_bus_type_code == OFFICIAL_CARD
    if not card_lines and not is_of_cards:
        _refuse_card_payees(state, asked)
        return
    if not card_lines and not state.settings.get(CARD_CONTROL).on:
        return
    lines = [(place, each) for place, each in enumerate(asked.details) if each.card_no]
    cards = [_card_on(state, detail, f"/details/{place}") for place, detail in lines]
    if not is_of_cards:
        raise _mismatch("what was spent with cards is paid by 公务卡 (2)", "/pay_bus_type_code")
    if not lines or len(lines) < len(asked.details):
        lacks = next((at for at, each in enumerate(asked.details) if not each.card_no), 0)
        raise _mismatch(
            "each line of a payment of 公务卡 (2) names what was spent with a card",
            f"/details/{lacks}/card_no",
        )
    for (place, detail), card in zip(lines, cards, strict=True):
        _hold_to_card(detail, card, issued.agency_code, f"/details/{place}")


def check_spent(details: Sequence[PaymentDetail]) -> None:
    """Not more than was spent, and each of it once.

    Raises:
        Refusal: ``details_mismatch``.
    """
    first: dict[str, int] = {}
    for place, detail in enumerate(details):
        if not (key := line_key(detail)):
            continue
        if parse_yuan(detail.pay_amt) > parse_yuan(detail.consume_amt):
            raise Refusal(
                Code.DETAILS_MISMATCH,
                f"{detail.pay_amt} is more than was spent, {detail.consume_amt}",
                pointer=f"/details/{place}/pay_amt",
            )
        if (earlier := first.setdefault(key, place)) != place:
            raise Refusal(
                Code.DETAILS_MISMATCH,
                f"line {earlier} reimburses the same",
                pointer=f"/details/{place}/card_auth_no",
            )


def refuse_cards(state: LedgerState, pay_bus_type_code: str) -> None:
    """A list of payees says nothing of cards; raises Refusal ``element_mismatch``."""
    if pay_bus_type_code == OFFICIAL_CARD and state.settings.get(CARD_CONTROL).on:
        raise _mismatch(
            "what was spent with cards is paid by payments whose lines name it, not by a list",
            "/pay_bus_type_code",
        )


def _refuse_card_payees(state: LedgerState, asked: Reimbursing) -> None:
    """What is paid to a card names what was spent, or it would be reimbursed beside; also to one
    that has ended, as what was spent before is still reimbursed."""
    cards = cards_of(state)
    if not cards or not state.settings.get(CARD_CONTROL).on:  # every payment comes by here
        return
    payees = [detail.payee_acct_no for detail in asked.details] or [asked.payee_acct_no]
    for account in map(one_spelling, payees):
        if account in cards:
            problem = f"{account} is a card: what was spent with it is paid by 公务卡 (2)"
            raise _mismatch(problem, "/pay_bus_type_code")


def _card_on(state: LedgerState, detail: PaymentDetail, base: str) -> OfficialCard:
    """The card on the day on which it was used."""
    registered = state.of_division(CARD_OF_DIVISION, detail.card_no)
    day = date.fromisoformat(detail.consume_date)
    card = None if registered is None else registered.on(day)
    if card is None:
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"no card {detail.card_no} was registered in the division on {day}",
            pointer=f"{base}/card_no",
        )
    return card


def _hold_to_card(detail: PaymentDetail, card: OfficialCard, agency_code: str, base: str) -> None:
    if card.agency_code != agency_code:
        raise _mismatch(f"card {card.card_no} is of unit {card.agency_code}", f"{base}/card_no")
    if detail.payee_acct_no not in (card.card_no, card.repay_acct_no):
        raise _mismatch(
            f"{detail.payee_acct_no} does not repay card {card.card_no}", f"{base}/payee_acct_no"
        )
    if detail.payee_acct_no == card.card_no and detail.payee_acct_name != card.holder_name:
        raise _mismatch(f"card {card.card_no} is {card.holder_name}'s", f"{base}/payee_acct_name")


def _mismatch(problem: str, pointer: str) -> Refusal:
    return Refusal(Code.ELEMENT_MISMATCH, problem, pointer=pointer)

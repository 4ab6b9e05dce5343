"""会计期间: on which day something may take effect; a state built by hand, no database."""

from datetime import UTC, date, datetime

import pytest

from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.calendar import PERIODS, ClosePeriod, effective_day, evidence_day, first_open_day
from ledger.deciding.opening import OpenLedger
from ledger.deciding.state import LedgerState
from ledger.elements import stored_code_sets
from ledger.errors import Code, Refusal
from ledger.events import PeriodClosed
from ledger.integrity.chain import microseconds

TODAY = date(2026, 3, 2)


@pytest.fixture
def state() -> LedgerState:
    """The ledger of 2026 on the second of March, opened, never written anywhere."""
    state = LedgerState(ledger_id("440000000", 2026), load_charts())
    state.pass_over(1)  # from before its first event, as a ledger that is new
    state.begin(microseconds(datetime(2026, 3, 2, 1, tzinfo=UTC)), stored_code_sets.shipped())
    opening = OpenLedger(mof_div_code="440000000", fiscal_year=2026, name="省本级")
    state.apply(opening.decide(state, "admin"))
    return state


def close(state: LedgerState, through: str) -> None:
    state.apply(ClosePeriod(through=date.fromisoformat(through)).decide(state, "accountant"))


def refusal(state: LedgerState, day: str) -> str:
    with pytest.raises(Refusal) as refused:
        effective_day(state, date.fromisoformat(day))
    assert refused.value.code is Code.PERIOD_CLOSED
    return refused.value.detail


def test_what_says_no_day_takes_effect_today(state: LedgerState) -> None:
    assert effective_day(state, None) == TODAY
    assert effective_day(state, date(2026, 1, 1)) == date(2026, 1, 1)


def test_the_books_are_those_of_one_year(state: LedgerState) -> None:
    assert refusal(state, "2025-12-31") == "2025-12-31 is not in the fiscal year 2026"
    assert refusal(state, "2027-01-01") == "2027-01-01 is not in the fiscal year 2026"
    assert effective_day(state, date(2026, 12, 31), ahead=True) == date(2026, 12, 31)


def test_what_pays_takes_effect_when_its_day_has_come(state: LedgerState) -> None:
    with pytest.raises(Refusal) as refused:
        effective_day(state, date(2026, 3, 3))
    assert refused.value.code is Code.FUTURE_DATE
    assert refused.value.detail == "2026-03-03 has not come: it is 2026-03-02 in Beijing"
    at_midnight = datetime(2026, 3, 2, 16, tzinfo=UTC)
    state.begin(microseconds(at_midnight), stored_code_sets.shipped())
    assert effective_day(state, date(2026, 3, 3)) == date(2026, 3, 3)


def test_before_its_year_a_ledger_gives_authority_and_pays_nothing(state: LedgerState) -> None:
    """In December the next year's indicators are issued; undated ones are of its first day."""
    next_year = LedgerState(ledger_id("440000000", 2027), load_charts())
    next_year.begin(microseconds(datetime(2026, 12, 20, tzinfo=UTC)), stored_code_sets.shipped())
    assert effective_day(next_year, None, ahead=True) == date(2027, 1, 1)
    with pytest.raises(Refusal) as refused:
        effective_day(next_year, None)
    assert refused.value.code is Code.FUTURE_DATE


@pytest.mark.parametrize(
    ("said", "booked"),
    [
        (date(2026, 2, 27), date(2026, 2, 27)),  # the bank's day
        (date(2026, 3, 2), TODAY),
        (date(2026, 2, 19), TODAY),  # before the payment was applied for
        (date(2026, 3, 3), TODAY),  # a clock that is fast at midnight
        (date(9999, 12, 31), TODAY),
        (date(2025, 12, 31), TODAY),
        (date(1, 1, 1), TODAY),
    ],
)
def test_evidence_is_booked_on_the_banks_day_or_on_the_day_it_is_learned(
    state: LedgerState, said: date, booked: date
) -> None:
    assert evidence_day(state, said, since=date(2026, 2, 20)) == booked


def test_nothing_takes_effect_in_a_closed_month(state: LedgerState) -> None:
    close(state, "2026-01-31")
    assert refusal(state, "2026-01-31") == "the books are closed through 2026-01-31"
    assert effective_day(state, date(2026, 2, 1)) == date(2026, 2, 1)


def test_what_the_bank_moved_is_booked_on_the_first_open_day(state: LedgerState) -> None:
    assert first_open_day(state, date(2026, 1, 15)) == date(2026, 1, 15)
    close(state, "2026-01-31")
    assert first_open_day(state, date(2026, 1, 31)) == date(2026, 2, 1)
    assert first_open_day(state, date(2026, 2, 1)) == date(2026, 2, 1)
    assert first_open_day(state, date(2025, 12, 31)) == date(2026, 2, 1)


def test_after_the_last_day_is_closed_it_still_takes_what_the_bank_moved(
    state: LedgerState,
) -> None:
    state.begin(microseconds(datetime(2026, 12, 31, 1, tzinfo=UTC)), stored_code_sets.shipped())
    close(state, "2026-12-31")
    assert first_open_day(state, date(2026, 6, 1)) == date(2026, 12, 31)
    assert first_open_day(state, date(2027, 1, 5)) == date(2026, 12, 31)


def test_closing_is_an_event_of_the_day_through_which_it_closes(state: LedgerState) -> None:
    closing = ClosePeriod(through=date(2026, 2, 28))
    decision = closing.decide(state, "accountant")
    assert closing.number == "2026-02-28"
    assert list(closing.needs()) == []
    assert decision.effective_on == date(2026, 2, 28)
    assert decision.events == [(None, "", PeriodClosed(through="2026-02-28", by="accountant"))]
    state.apply(decision)
    assert state.settings.get(PERIODS).closed_through == date(2026, 2, 28)
    with pytest.raises(Refusal):
        closing.decide(state, "accountant")

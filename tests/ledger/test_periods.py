"""会计期间: on which day something may take effect; a state built by hand, no database."""

from datetime import UTC, date, datetime

import pytest

from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.calendar import PERIODS, clearing_day, effective_day, evidence_day, first_open_day
from ledger.closing import AccountingPeriod, is_closed, last_closed
from ledger.deciding.opening import OpenLedger
from ledger.deciding.state import Decision, LedgerState
from ledger.elements import stored_code_sets
from ledger.errors import Code, Refusal, RequestError
from ledger.events import PeriodClosed, PeriodReopened, YearClosed
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
    """The books as they are when it is closed, however that came about."""
    state.apply(
        Decision(
            events=[(None, "", PeriodClosed(through=through, by="accountant"))],
            effective_on=date.fromisoformat(through),
        )
    )


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
        (date(2026, 2, 20), date(2026, 2, 20)),  # the day of the payment itself
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


def test_a_month_that_is_reopened_takes_entries_again_and_is_counted(state: LedgerState) -> None:
    def reopen(month: str, closed_through: str) -> None:
        event = PeriodReopened(
            month=month, reason="漏记", closed_through=closed_through, by="accountant"
        )
        state.apply(Decision(events=[(None, "", event)], effective_on=TODAY))

    close(state, "2026-02-28")
    reopen("2026-02", "2026-01-31")
    assert effective_day(state, date(2026, 2, 1)) == date(2026, 2, 1)
    assert refusal(state, "2026-01-31") == "the books are closed through 2026-01-31"
    reopen("2026-01", "")
    assert effective_day(state, date(2026, 1, 1)) == date(2026, 1, 1)
    close(state, "2026-01-31")
    reopen("2026-01", "")
    assert state.settings.get(PERIODS).reopened == {"2026-02": 1, "2026-01": 2}


def test_what_is_owed_of_the_year_is_cleared_in_its_late_month(state: LedgerState) -> None:
    year_end = date(2026, 12, 31)
    assert clearing_day(state, date(2026, 3, 1)) == date(2026, 3, 1), "in an open month as asked"
    close(state, "2026-12-31")
    assert clearing_day(state, year_end) == year_end
    with pytest.raises(Refusal):
        effective_day(state, year_end)
    with pytest.raises(Refusal):
        clearing_day(state, date(2026, 12, 30))
    late = PeriodClosed(through="2026-13", by="accountant")
    state.apply(Decision(events=[(None, "", late)], effective_on=year_end))
    with pytest.raises(Refusal):
        clearing_day(state, year_end)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("2026-02-28", "2026-02"),
        ("2028-02-29", "2028-02"),
        ("2026-12-31", "2026-12"),
        ("2026-13", "2026-13"),
    ],
)
def test_a_period_is_named_by_the_day_that_ends_it(text: str, named: str) -> None:
    assert AccountingPeriod.ending(text, "/through").text == named


@pytest.mark.parametrize(
    "text", ["2026-02-27", "2026-02-29", "2026-12", "2026-14", "26-01-31", "2026-1-31", ""]
)
def test_a_day_within_a_month_ends_nothing(text: str) -> None:
    with pytest.raises(RequestError):
        AccountingPeriod.ending(text, "/through")


def test_a_closing_of_an_earlier_release_in_the_midst_of_a_month_still_holds(
    state: LedgerState,
) -> None:
    close(state, "2026-01-15")
    assert refusal(state, "2026-01-15") == "the books are closed through 2026-01-15"
    assert last_closed(state) == AccountingPeriod(2026, 1)
    assert not is_closed(state, AccountingPeriod(2026, 1))


def test_a_year_that_is_closed_has_its_late_month_closed(state: LedgerState) -> None:
    """After its twelve months: the days that they closed stay closed, and 整理期 is over."""
    close(state, "2026-12-31")
    before = state.settings.get(PERIODS)
    assert (before.late_month_closed, before.year_closed) == (False, False)
    state.apply(
        Decision(events=[(None, "", YearClosed(by="accountant"))], effective_on=date(2026, 12, 31))
    )
    after = state.settings.get(PERIODS)
    assert (after.late_month_closed, after.year_closed) == (True, True)
    assert after.closed_through == date(2026, 12, 31)

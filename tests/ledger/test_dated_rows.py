"""A register's row on every day, as figures on paper; no database."""

from datetime import date

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.deciding.closings import Closings
from ledger.deciding.dated import DatedRow
from ledger.deciding.registers import (
    DaysNotAtHandError,
    Register,
    RegisterFold,
    Shortage,
    declare,
    declared,
)
from ledger.errors import Code, GuokuError, Refusal

JAN_5, JAN_10, JAN_20, FEB_1 = (date(2026, *day) for day in ((1, 5), (1, 10), (1, 20), (2, 1)))
DAYS = (JAN_5, JAN_10, JAN_20, FEB_1)


class Purse(msgspec.Struct, frozen=True):
    coins: int = 0
    notes: int = 0


def short(shortage: Shortage) -> GuokuError:
    return Refusal(Code.INSUFFICIENT_INDICATOR, f"{shortage}")


PURSE = Register(name="purse", row=Purse, floored=("coins",), refuse=short, fold=RegisterFold)


def moved(before: DatedRow[Purse], day: date, **changes_fen: int) -> DatedRow[Purse]:
    after: DatedRow[Purse] = PURSE.moved("k", before, day, changes_fen).dated
    return after


def test_what_is_taken_on_a_day_is_missing_on_every_later_one() -> None:
    purse = moved(DatedRow(Purse()), JAN_10, coins=100)
    purse = moved(purse, FEB_1, coins=-100)
    assert purse.levels(JAN_5) == [(JAN_5, Purse()), (JAN_10, Purse(100)), (FEB_1, Purse(0))]
    with pytest.raises(Refusal, match=r"2026, 2, 1.*available_fen=0, wanted_fen=1"):
        moved(purse, JAN_20, coins=-1)  # a later payment has taken it
    with pytest.raises(Refusal, match=r"2026, 1, 5"):
        moved(purse, JAN_5, coins=-1)  # it was not there yet
    purse = moved(purse, JAN_20, coins=5)
    assert purse.levels(JAN_10) == [
        (JAN_10, Purse(100)),
        (JAN_20, Purse(105)),
        (FEB_1, Purse(5)),
    ]
    assert moved(purse, JAN_20, coins=-5).row == Purse(0)


def test_the_day_with_least_is_named_and_the_first_of_several() -> None:
    purse = moved(DatedRow(Purse()), JAN_5, coins=10)
    for day, change_fen in ((JAN_10, -7), (JAN_20, 4), (FEB_1, 1)):
        purse = moved(purse, day, coins=change_fen)
    with pytest.raises(Refusal, match=r"2026, 1, 10.*available_fen=3, wanted_fen=4"):
        moved(purse, JAN_5, coins=-4)
    assert moved(purse, JAN_5, coins=-3).levels(JAN_10)[0] == (JAN_10, Purse(0))


def test_a_day_that_was_below_its_floor_before_may_rise_and_not_fall() -> None:
    """Histories of earlier releases have such days."""
    purse = DatedRow(Purse(10), FEB_1, ((JAN_5, Purse(-3)),))
    assert moved(purse, JAN_5, coins=1).levels(JAN_5)[0] == (JAN_5, Purse(-2))
    assert moved(purse, JAN_5, notes=-4).row == Purse(10, -4), "notes have no floor"
    assert moved(purse, FEB_1, coins=-10).row == Purse(0)
    with pytest.raises(Refusal, match=r"2026, 1, 5.*available_fen=-3"):
        moved(purse, JAN_5, coins=-1)


def test_days_that_were_not_read_are_asked_for_only_where_they_matter() -> None:
    purse = DatedRow(Purse(10), JAN_20, None)
    assert moved(purse, JAN_20, coins=-10).row == Purse(0)
    later = PURSE.moved("k", purse, FEB_1, {"coins": -10})
    assert later.closings == ((JAN_20, Purse(10)),)
    assert later.dated == DatedRow(Purse(0), FEB_1, None)
    with pytest.raises(DaysNotAtHandError) as missing:
        moved(purse, JAN_10, coins=1)
    assert (missing.value.register, missing.value.key) == (PURSE, "k")


def test_a_floor_is_nothing_and_one_below_is_refused() -> None:
    """What is taken on the day a row has moved on, as nearly always."""
    purse = moved(DatedRow(Purse()), JAN_10, coins=5)
    emptied = PURSE.moved("k", purse, JAN_10, {"coins": -5})
    assert (emptied.register, emptied.key, emptied.row) == (PURSE, "k", Purse(0))
    with pytest.raises(Refusal, match=r"key='k'.*available_fen=5, wanted_fen=6"):
        moved(purse, JAN_10, coins=-6)


def test_a_row_of_nothing_stays_or_goes_as_its_register_says() -> None:
    passing = msgspec.structs.replace(PURSE, keeps_zero=False)
    assert PURSE.keeps(Purse())
    assert PURSE.stored(Purse()) == (0, 0)
    assert not passing.keeps(Purse())
    assert passing.stored(Purse()) is None
    assert passing.keeps(Purse(0, -1))
    assert passing.stored(Purse(0, -1)) == (0, -1)


def test_a_name_is_declared_once() -> None:
    taken = declared()[0]
    assert declare(taken) is taken, "the same once more changes nothing"
    with pytest.raises(ValueError, match=taken.name):
        declare(msgspec.structs.replace(PURSE, name=taken.name))
    assert [register.name for register in declared()] == sorted(r.name for r in declared())


Movements = list[tuple[date, int, int]]
MOVEMENTS: st.SearchStrategy[Movements] = st.lists(
    st.tuples(st.sampled_from(DAYS), st.integers(-9, 9), st.integers(-9, 9)), max_size=12
)


@settings(max_examples=300, derandomize=True, database=None)
@given(MOVEMENTS)
def test_random_movements_add_up_on_every_day(movements: Movements) -> None:
    purse, kept, taken = DatedRow(Purse()), dict[date, Purse](), Movements()
    for day, coins, notes in movements:
        sums = {on: sum(c for d, c, _ in taken if d <= on) for on in DAYS}
        fits = coins >= 0 or all(sums[on] + coins >= 0 for on in DAYS if on >= day)
        if not fits:
            with pytest.raises(Refusal):
                moved(purse, day, coins=coins, notes=notes)
            continue
        step = PURSE.moved("k", purse, day, {"coins": coins, "notes": notes})
        purse = step.dated
        kept |= dict(step.closings)
        taken.append((day, coins, notes))
        assert dict(purse.earlier or ()) == kept, "what is written is what is known"
        for on in DAYS:
            due = Purse(
                sum(c for d, c, _ in taken if d <= on), sum(n for d, _, n in taken if d <= on)
            )
            assert purse.levels(on)[0] == (on, due)


def test_closings_of_a_fold_move_from_a_day_on_and_tell_the_lowest() -> None:
    closings = Closings(2, {})
    closings.close("k", 10, [5, 7, 99])
    closings.close("k", 20, [3, 8, 99])
    assert closings.move("k", 15, [-4, 1]) == [(-1, 20), (8, 15)]
    assert [list(each) for each in closings.of("k")] == [[10, 5, 7], [15, 1, 8], [20, -1, 9]]
    assert closings.move("new", 3, [2, 0]) == [(2, 3), (0, 3)]
    again = Closings(2, closings.stored())
    assert [list(each) for each in again.of("k")] == [list(each) for each in closings.of("k")]


def test_closings_may_be_wider_than_64_bits() -> None:
    closings = Closings(1, {})
    for day, amount_fen in ((1, 5), (2, 10**20), (3, 10**21)):
        closings.close("k", day, [amount_fen])
    closings.move("k", 1, [10**19])
    assert [list(each) for each in closings.of("k")] == [
        [1, 5 + 10**19],
        [2, 10**20 + 10**19],
        [3, 10**21 + 10**19],
    ]

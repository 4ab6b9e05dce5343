"""财政专户 from one year to the next: what lies there is paid in the new year, and no fen twice.

What lay in special accounts was carried by the books and by no register, so that the new year could
pay nothing of it, and an opening by hand came too late; what came back of last year's payment had
to wait in suspense.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from accounting.carrying_books import TakeOpening
from accounting.handing_over import HandingOver
from budget.year_end.closing import CloseYear
from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.closing import ClosePeriod
from ledger.gm import default_provider
from ledger.postgres.database import Database
from ledger.writing.submitting import submit_to
from payments.receipts.bringing_returns import BringingReturns
from payments.refunds.resolving import ResolveSuspense
from payments.special_accounts.cash import SpecialCash
from payments.verification.run import Options, verify_ledger
from tests.accounting.test_year_end import Killed, carry, handed_over, handing_over, item
from tests.payments.test_prior_returns import bring, entered, notice, this_year, waiting
from tests.payments.test_special_accounts import (
    COLLEGES,
    EDUCATION,
    MARCH_2,
    SCHOOLS,
    SchoolFees,
    special_account,
)
from tests.support.audited_books import AuditedBooks
from tests.support.bookkeeper import Bookkeeper, payment, refund_notice
from tests.support.exports import export
from tests.support.openings import credit, debit, opening
from tests.support.tampering import rewritten
from tests.verifier.test_offline_verifier import run

pytestmark = pytest.mark.usefixtures("decided_again")

NEW_YEAR, JANUARY = datetime(2027, 1, 4, 2, tzinfo=UTC), date(2027, 1, 20)


@pytest.fixture
def fees(database: Database) -> Iterator[SchoolFees]:
    """The treasury begins with 30.00 of other deposits. To the schools' account come 1,000.00, of
    which B1 pays 300.00, to the colleges' 80.00; 200.00 of B1 go on. It is January."""
    f = SchoolFees(database)
    f.say(special_account(COLLEGES))
    elsewhere = debit("30.00", acct_cls_id="B2", acct_no="4400100000008888")
    f.do(opening("treasury_financial", elsewhere, credit("30.00", acct_cls_id="B71")), "accountant")
    f.came("ZH-1", MARCH_2, "1000.00")
    f.came("ZH-2", MARCH_2, "80.00", acct_no=COLLEGES)
    f.issue("B1", "500.00", **EDUCATION)
    f.pay("P1", "B1", "300.00")
    f.clock.now = NEW_YEAR
    yield f
    f.close()
    f.pool.close()


def close(f: Bookkeeper, carried: str = "200.00") -> None:
    f.do(ClosePeriod(through="2026-12-31"), "accountant")
    f.do(carry("JZ-1", item("B1", carried)), "accountant")
    f.do(CloseYear(), "accountant")


LIES = {SCHOOLS: SpecialCash(free=700_00), COLLEGES: SpecialCash(free=80_00)}


def deposits(f: SchoolFees) -> list[tuple[str, str]]:
    """What the opening of the treasury's books says of 其他财政存款: where, and how much."""
    found: list[tuple[str, str]] = []
    for journal in f.journals():
        if journal.event == "opening.carried":
            lines = zip(journal.lines, journal.line_codes, strict=True)
            found += [(at.get("acct_no", ""), of.amt) for of, at in lines if of.account == "B2"]
    return found


def test_what_lies_there_is_paid_in_the_new_year_and_not_a_fen_more(fees: SchoolFees) -> None:
    close(fees)
    assert handing_over(fees).look() == 1
    this_year(fees)
    assert fees.cash() == LIES
    assert deposits(fees) == [(SCHOOLS, "700.00"), (COLLEGES, "80.00"), ("", "30.00")]
    fees.issue("B2", "5000.00", **EDUCATION)
    fees.pay("P9", "JZ2026-B1", "200.00")
    assert fees.cash() == {**LIES, SCHOOLS: SpecialCash(free=500_00)}
    problem = fees.ask(payment("P10", "B2", "500.01")).problem
    assert problem is not None
    assert (problem.code.text, problem.extra["available_amt"]) == ("insufficient_cash", "500.00")
    fees.apply("P11", "B2", "500.00")
    fees.apply("P12", "B2", "80.00", pay_acct_no=COLLEGES)
    more = opening("treasury_financial", debit("1.00", acct_cls_id="B2", acct_no=SCHOOLS))
    assert fees.refusal(more, "accountant") == "already_opened"


def test_income_of_january_and_what_is_carried_later_lie_together(fees: SchoolFees) -> None:
    """5.00 come on January 4, the year is handed over later: it began with its 700.00."""
    this_year(fees)
    fees.open()
    fees.came("ZH-1", date(2027, 1, 4), "5.00")
    fees.year, fees.ledger_id = 2026, ledger_id(fees.division, 2026)
    close(fees)
    handing_over(fees).look()
    this_year(fees)
    assert fees.cash() == {**LIES, SCHOOLS: SpecialCash(free=705_00)}


def test_a_book_opened_by_hand_says_itself_where_it_lies(fees: SchoolFees) -> None:
    this_year(fees)
    fees.open()
    held = debit("650.00", acct_cls_id="B2", acct_no=SCHOOLS, fund_type_code="2")
    by_hand = opening("treasury_financial", held, credit("650.00", acct_cls_id="B71"))
    fees.do(by_hand, "accountant")
    fees.year, fees.ledger_id = 2026, ledger_id(fees.division, 2026)
    close(fees)
    handing_over(fees).look()
    this_year(fees)
    assert fees.cash() == {SCHOOLS: SpecialCash(free=650_00)}


def test_whenever_the_program_ends_it_is_there_once(
    fees: SchoolFees, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounting.handing_over_books.PART_MAX", 1)
    close(fees)
    plainly, ended = submit_to(fees.sequencer), 0

    def write_once(key: int, asked: Any) -> Any:
        if ended % 2:
            plainly(key, asked)
        raise Killed

    while handed_over(fees) == "":
        with pytest.raises(Killed):
            HandingOver(fees.pool, write_once, load_charts()).look()
        ended += 1
    this_year(fees)
    assert fees.cash() == LIES


def test_a_sum_without_accounts_is_as_an_earlier_release_has_carried_it(fees: SchoolFees) -> None:
    """Its openings are said to tell nothing of accounts: nothing can be paid, and that stands."""
    close(fees)
    plainly = submit_to(fees.sequencer)

    def formerly(key: int, asked: Any) -> Any:
        told = [
            msgspec.structs.replace(
                each, command=msgspec.structs.replace(each.command, special_accounts=False)
            )
            if each.command.OPERATION == "year_end.begin_openings"
            else each
            for each in asked
        ]
        outcomes = plainly(key, told)
        if told != list(asked):
            raise Killed
        return outcomes

    with pytest.raises(Killed):
        HandingOver(fees.pool, formerly, load_charts()).look()
    handing_over(fees).look()
    this_year(fees)
    assert (fees.cash(), deposits(fees)) == ({}, [("", "810.00")])


def test_more_than_an_account_has_is_not_told_by_negative_rows(fees: SchoolFees) -> None:
    """A row that would leave less than nothing in an account is refused."""
    close(fees)
    handing_over(fees).look()
    this_year(fees)
    rows = (
        ["B2", -1, "0.01", {"acct_no": "4400100000003199", "fund_type_code": "2"}],
        ["B71", 1, "0.01", {}],
    )
    taken = msgspec.convert(
        {"books_no": "treasury/2", "from_ledger": "440000000-2026", "rows": rows}, TakeOpening
    )
    assert fees.refusal(taken, "guoku") == "insufficient_cash"


# ---- what comes back of last year's payments


def test_what_comes_back_lies_in_the_account_again(fees: SchoolFees) -> None:
    """100.00 of P1 to the carried indicator, which has paid; nothing is claimed, no unit has it."""
    close(fees)
    handing_over(fees).look()
    fees.do(notice(fees, "P1", "100.00", "N1"), "bank")
    assert (bring(fees), bring(fees)) == (1, 0)
    this_year(fees)
    assert fees.cash() == {**LIES, SCHOOLS: SpecialCash(free=800_00)}
    assert fees.figures("JZ2026-B1")["available"] == "300.00"
    assert entered(fees) == {
        "指标来源": "100.00",
        "支出指标": "100.00",
        "其他财政存款": "100.00",
        "以前年度盈余调整": "100.00",
        "资金结存—专户资金结存": "100.00",
        "财政专户管理资金结余": "100.00",
    }
    fees.pay("P9", "JZ2026-B1", "300.00")


def test_in_january_while_last_year_is_open_it_is_the_treasurys(fees: SchoolFees) -> None:
    fees.do(notice(fees, "P1", "100.00", "N1", day=date(2027, 1, 5)), "bank")
    this_year(fees)
    fees.open()
    assert bring(fees) == 1
    assert fees.cash() == {SCHOOLS: SpecialCash(free=100_00)}
    assert entered(fees) == {
        "其他财政存款": "100.00",
        "以前年度盈余调整": "100.00",
        "资金结存—专户资金结存": "100.00",
        "财政专户管理资金结余": "100.00",
    }
    fees.year, fees.ledger_id = 2026, ledger_id(fees.division, 2026)
    close(fees)
    handing_over(fees).look()
    this_year(fees)
    assert fees.cash() == {**LIES, SCHOOLS: SpecialCash(free=800_00)}, "700.00 lay there, and these"


def test_what_an_earlier_release_has_held_is_resolved(fees: SchoolFees) -> None:
    close(fees)
    handing_over(fees).look()
    reason = "it came back to a special account on 2027-01-20, after the payment's year"
    taken = notice(fees, "P1", "50.00", "N1")
    assert waiting(fees, msgspec.structs.replace(taken, formerly_held=reason)) == reason
    fees.do(ResolveSuspense(suspense_no="102-N1", pay_app_no="P1"), "accountant")
    assert bring(fees) == 1
    this_year(fees)
    assert fees.cash()[SCHOOLS] == SpecialCash(free=750_00)


# ---- under audit


NOWHERE = b"9" * len(SCHOOLS)
OTHERWISE = (  # the first is of the treasury's opening, whose journal is the second of the year
    ("special_cash.moved", b'"amt":"700.00"', b'"amt":"700.01"'),
    ("journal.posted", b'"acct_no":"' + SCHOOLS.encode(), b'"acct_no":"' + NOWHERE),
)


def test_two_years_hold_and_a_fen_more_in_an_account_is_found(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline with both exports: what began in an account is what was left in it."""
    monkeypatch.setattr("tests.support.audited_books.END", datetime(2027, 12, 31, tzinfo=UTC))
    f = SchoolFees(database)
    books = AuditedBooks(f, tmp_path)
    f.came("ZH-1", MARCH_2, "1000.00")
    f.issue("B1", "500.00", **EDUCATION)
    books.pay(["P1"], "B1", "300.00")
    f.clock.now = NEW_YEAR
    close(f)
    handing_over(f).look()
    f.until(JANUARY)
    books.take(refund_notice(books.payments(["P1"])["P1"], [("1", 100_00)], JANUARY, "N1"))
    assert BringingReturns(f.pool, submit_to(f.sequencer), f.clock).look() == 1
    this_year(f)
    assert f.cash() == {SCHOOLS: SpecialCash(free=800_00)}

    def offline(name: str) -> tuple[int, str]:
        places = [tmp_path / name / part for part in ("before", "now")]
        places[0].parent.mkdir()
        for key, place in zip((f.ledger_id - 1, f.ledger_id), places, strict=True):
            export(f.pool, key, place)
        before, now = map(str, places)
        return run(now, "--before", before, "--other", before)

    code, output = offline("whole")
    assert code == 0, output
    assert found(database, f, tmp_path / "audit") == set()
    for skip, (type_, old, new) in enumerate(OTHERWISE):
        change(database, f, type_, skip, old, new)
        code, output = offline(f"changed-{skip}")
        assert code == 1, type_
        assert "专户资金不符" in output or "does not begin with" in output
        assert found(database, f, tmp_path / f"audit-{skip}") & {"openings", "balance"}
        change(database, f, type_, skip, new, old)
    f.close()
    f.pool.close()


def change(
    database: Database, f: SchoolFees, type_: str, skip: int, old: bytes, new: bytes
) -> None:
    """With digests and chain made to fit, as whoever owns the database can."""
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        rewritten(type_, skip, old, new)(connection, f.ledger_id)


def found(database: Database, f: SchoolFees, folder: Path) -> set[str]:
    """By the program, the checks that find something; its January may not have come."""
    asked = Options(folder=folder)
    report = verify_ledger(
        database.app_conninfo, load_charts(), default_provider(), f.ledger_id, asked
    )
    return {each.check for each in report.findings} - {"clock"}

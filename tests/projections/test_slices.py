"""辅助核算: the books of one unit, function, economy, fund or project.

All slices by an element together are the whole of the books, at every moment: what a claim on the
central bank sums up is parted by the payments that it holds.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from psycopg.sql import SQL

from ledger.money import parse_yuan
from ledger.postgres.database import Database
from payments.corrections.correcting import CorrectPayment
from projections.account_slices import JOURNALS_OF_SLICE, SLICED_BY
from projections.core.runner import Runner
from projections.journal_lists import list_journals
from tests.projections.test_trial_balance import CHARTS, balance, closings
from tests.support.bookkeeper import Bookkeeper, detail, fresh_pool
from tests.support.histories import MARCH_2, MARCH_3, MARCH_5, MARCH_9, commit_ends, rejected_claims
from tests.support.openings import credit, debit, opening

OFFICE, SCHOOL = "101001", "102001"
ROAD, CLASSROOM = "440000260000000000001", "440000260000000000002"
SCHOOLS = {
    "agency_code": SCHOOL,
    "pro_code": CLASSROOM,
    "exp_func_code": "2050202",
    "gov_bgt_eco_code": "50502",
    "dep_bgt_eco_code": "30201",
}


def _correct(b: Bookkeeper, cor_no: str, amt: str) -> None:
    asked = CorrectPayment(cor_no=cor_no, pay_app_no="P1", to_bgt_id="B4", amt=amt, reason="科目")
    b.do(asked, "accountant")


@pytest.fixture(scope="module")
def sliced(module_database: Database) -> Iterator[Bookkeeper]:
    """A school and an office, two funds, claims that are settled, rejected and not made; projected,
    and only for looking at."""
    with fresh_pool(module_database.app_conninfo) as pool:
        b = Bookkeeper(pool)
        b.open()
        rows = (
            debit("900.00", acct_cls_code="1601", agency_code=SCHOOL),
            credit("900.00", acct_cls_code="3001", agency_code=SCHOOL),
        )
        b.do(opening("unit_financial", *rows), "accountant")
        b.issue("B1", "100000.00")
        b.issue("B2", "100000.00", **SCHOOLS)
        b.issue("B3", "50000.00", fund_type_code="121")
        b.pay("P1", "B1", "1000.00", effective_on=MARCH_2)
        b.pay("P2", "B2", "200.00", effective_on=MARCH_2)
        b.pay("P3", "B3", "30.00", effective_on=MARCH_2)
        school = {"gov_bgt_eco_code": "50502", "dep_bgt_eco_code": "30201"}
        b.issue("B4", "50000.00", pro_code=CLASSROOM, **school)
        _correct(b, "G1", "100.00")  # before it is claimed
        b.clear("C1", MARCH_2)
        _correct(b, "G2", "50.00")  # and after
        b.pay("P4", "B2", "70.00", "d2", details=_two(), effective_on=MARCH_3)
        b.refund("P2", "50.00", effective_on=MARCH_3)
        b.refund("P1", "170.00", effective_on=MARCH_3, refund_no="R9")  # of it B4 has 150.00 back
        rejected_claims(b, "C2", MARCH_3)
        b.clear("C3", MARCH_5)
        b.pay("P5", "B2", "4.00", effective_on=MARCH_9)
        b.apply("P6", "B1", "9.00", effective_on=MARCH_9)
        Runner(pool).catch_up()
        yield b
        b.close()


def _two() -> tuple[Any, ...]:
    return detail("d1", "60.00"), detail("d2", "10.00")


def moved(b: Bookkeeper, **asked: Any) -> dict[tuple[str, str], int]:
    """(account, column) to fen, debit positive where it has a side."""
    found: dict[tuple[str, str], int] = {}
    for line in balance(b, **asked).accounts:
        for column in ("opening", "debit", "credit", "closing"):
            side = line["dr_cr"] if column in ("opening", "closing") else 1
            if fen := side * parse_yuan(line[column], signed=True, zero=True):
                found[line["acct_cls_id"], column] = fen
    return found


CODES = {
    "agency_code": (OFFICE, SCHOOL),
    "exp_func_code": ("2010102", "2050202", "2120801"),
    "gov_bgt_eco_code": ("50201", "50502"),
    "fund_type_code": ("111", "121"),
    "pro_code": (ROAD, CLASSROOM),
}


def together(b: Bookkeeper, element: str, **asked: Any) -> dict[tuple[str, str], int]:
    """All slices by an element, added up."""
    total: dict[tuple[str, str], int] = {}
    for code in CODES[element]:
        for key, fen in moved(b, sliced={element: code}, **asked).items():
            total[key] = total.get(key, 0) + fen
    return {key: fen for key, fen in total.items() if fen}


@pytest.mark.parametrize("element", SLICED_BY)
def test_all_slices_are_the_whole(sliced: Bookkeeper, element: str) -> None:
    """But for what the opening has of no such element."""
    whole = moved(sliced)
    if element != "agency_code":
        whole = {key: fen for key, fen in whole.items() if key[0] not in ("D2", "D3001")}
    assert together(sliced, element) == whole


def test_all_slices_are_the_whole_at_every_moment(sliced: Bookkeeper) -> None:
    for position in commit_ends(sliced):
        whole = moved(sliced, as_of_position=position)
        assert together(sliced, "agency_code", as_of_position=position) == whole, position


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (None, MARCH_2),
        (MARCH_3, MARCH_5),
        (MARCH_9, None),
        (date(2026, 3, 1), None),  # of whole months sums are stored
        (None, date(2026, 2, 28)),
        (date(2026, 2, 1), date(2026, 3, 31)),
        (date(2026, 2, 2), date(2026, 3, 31)),
    ],
)
def test_all_slices_are_the_whole_of_every_period(
    sliced: Bookkeeper, first: date | None, last: date | None
) -> None:
    whole = moved(sliced, from_day=first, to_day=last)
    assert together(sliced, "agency_code", from_day=first, to_day=last) == whole


def test_the_books_of_a_school(sliced: Bookkeeper) -> None:
    """Of 200.00 and 60.00 paid 50.00 came back; 4.00 more are not cleared yet."""
    school = closings(balance(sliced, sliced={"agency_code": SCHOOL}))
    assert school == {
        "指标来源": "100000.00",
        "支出指标": "99786.00",
        "支付": "214.00",
        "对事业单位补助拨款费用": "210.00",
        "国库存款": "-210.00",
        "一般公共预算支出": "210.00",
        "资金结存—库款资金结存": "-210.00",
        "业务活动费用": "214.00",
        "财政拨款收入": "214.00",
        "固定资产": "900.00",
        "累计盈余": "900.00",
        "事业支出": "214.00",
        "财政拨款预算收入": "214.00",
        "零余额账户": "-4.00",
        "待清算款项": "4.00",
    }


def test_a_slice_by_several_elements(sliced: Bookkeeper) -> None:
    def outlay(**codes: str) -> str | None:
        return closings(balance(sliced, sliced=codes)).get("政府性基金预算支出")

    assert outlay(agency_code=OFFICE, fund_type_code="121") == "30.00"
    assert outlay(agency_code=SCHOOL, fund_type_code="121") is None
    assert balance(sliced, sliced={"agency_code": "999999"}).accounts == []


def test_who_has_made_and_checked_a_journal_and_what_it_reverses(sliced: Bookkeeper) -> None:
    """占用 is booked before anybody has looked; what the bank says then was checked."""
    with sliced.pool.connection() as connection:
        items = list_journals(connection, sliced.ledger_id, CHARTS).items
    of_p2 = [each for each in items if each["number"] in ("P2", "refund-1")]
    applied, receipted, refunded = of_p2
    persons = [(j["made_by"], j["checked_by"], j["posted_by"]) for j in of_p2]
    assert persons == [
        ("maker", "", "guoku"),
        ("maker", "checker", "guoku"),
        ("maker", "checker", "guoku"),
    ]
    assert (applied["red_vou_no"], receipted["red_vou_no"]) == (None, None)
    assert (refunded["red_flag"], refunded["red_vou_no"]) == (1, receipted["position"])
    [cleared, *_] = [each for each in items if each["number"] == "C1"]
    assert (cleared["made_by"], cleared["checked_by"]) == ("maker", "")
    opened = next(each for each in items if each["event"] == "opening.loaded")
    assert opened["made_by"] == "accountant"


def test_journals_of_a_slice(sliced: Bookkeeper) -> None:
    def numbers(**codes: str) -> list[str]:
        with sliced.pool.connection() as connection:
            page = list_journals(connection, sliced.ledger_id, CHARTS, codes)
        return [item["number"] for item in page.items]

    [opened, *later] = numbers(agency_code=SCHOOL)
    assert opened.startswith("unit_financial")  # its opening, which was not listed
    assert later == ["B2", "P2", "P2", "P4", "P4", "refund-1", "P5", "P5"]
    assert numbers(pro_code=CLASSROOM, book="unit_financial") == [
        *("P2", "G1", "G2", "P4", "refund-1", "R9", "P5")
    ]
    assert set(numbers(fund_type_code="121")) == {"B3", "P3", "C1"}
    assert numbers(agency_code=SCHOOL, exp_func_code="2010102") == []


def test_a_slice_goes_to_the_journals_of_its_indicators_by_an_index(sliced: Bookkeeper) -> None:
    """Two columns had two collations, which no index serves: each indicator read all journals."""
    of_all = {"indicators": SQL("true"), "budget_rows": SQL("true")}
    upto, last = 1_000, date(2026, 12, 31)
    asked = {"ledger_id": sliced.ledger_id, "upto": upto, "last": last, "by_day": [3]}
    generations = dict.fromkeys(("journals", "indicators", "budget_rows"), 1)
    with sliced.pool.connection() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        explain = SQL("EXPLAIN ") + JOURNALS_OF_SLICE.format(**of_all)
        plan = [line for (line,) in connection.execute(explain, {**asked, **generations})]
    assert any("Index Cond" in line and "bgt_id = i.bgt_id" in line for line in plan), plan

"""工资统发: a list is entered whole or not at all, once a month, and pays just what it says."""

from io import BytesIO

import pytest

from ledger.elements.iden_no import wrong_with
from ledger.errors import Refusal, RequestError
from payments.disbursement.commands import LoadLines
from payments.disbursement.opening import OpenRun
from payments.payees import PayeesDigest
from payments.wages.file import read_wage_file
from payments.wages.loading import LoadWageRun
from tests.support.bookkeeper import Bookkeeper
from tests.support.next_year import go_to_next_year
from tests.support.wages import WAGES, account, five_people, iden_no, wage_line, wage_list

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def staff(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.issue("B1", "10000.00", **WAGES)
    return bookkeeper


def opened(bgt_id: str = "B1", run_no: str = "GZ-1-1") -> OpenRun:
    return OpenRun(run_no=run_no, bgt_id=bgt_id, title="工资", use_des="工资", wage_run_no="GZ-1")


def loaded(*lines: tuple[int, str]) -> LoadLines:
    payees = PayeesDigest()
    for serial, net in lines:
        payees.take(account(serial), int(net.replace(".", "")))
    return LoadLines(
        run_no="GZ-1-1",
        bgt_id="B1",
        line_count=len(lines),
        pay_amt="5000.00",
        lines_sm3="a" * 64,
        file_sm3="b" * 64,
        payees_sm3=payees.hex(),
    )


def test_a_list_is_owed_when_it_is_entered(staff: Bookkeeper) -> None:
    """Scenario 10: 2201 is 5,550.00."""
    run = staff.do(wage_list("GZ-1", *five_people())).subjects[0]
    [part] = run.loaded.parts
    assert (part.line_count, part.wage_sala, part.net_sala) == (5, "5550.00", "5000.00")
    books = staff.books()
    assert books["业务活动费用"] == books["应付职工薪酬"] == "5550.00"
    assert staff.figures("B1")["available"] == "10000.00"


def test_what_is_withheld_is_booked_when_it_is_handed_on(staff: Bookkeeper) -> None:
    staff.do(wage_list("GZ-1", *five_people()))
    run = staff.do(opened()).subjects[0]
    assert run.opened.wage_run_no == "GZ-1"
    books = staff.books()
    assert books["应付职工薪酬"] == "5000.00"
    assert books["其他应交税费"] == "50.00"
    assert books["应付职工薪酬—社会保险费"] == "200.00"
    assert books["应付职工薪酬—住房公积金"] == "300.00"


def test_it_is_handed_on_once(staff: Bookkeeper) -> None:
    staff.do(wage_list("GZ-1", *five_people()))
    staff.do(opened())
    assert staff.ask(opened()).replayed
    assert staff.refusal(opened(run_no="GZ-1-2")) == "invalid_state"
    staff.issue("B2", "5.00", **WAGES)
    assert staff.refusal(opened("B2", "GZ-1-3")) == "details_mismatch"


def test_other_lines_than_the_list_has_are_not_loaded(staff: Bookkeeper) -> None:
    """Another account, or another split of the same sum."""
    staff.do(wage_list("GZ-1", *five_people()))
    staff.do(opened())
    right = [(n, "1000.00") for n in range(1, 6)]
    assert staff.refusal(loaded(*right[:4], (9, "1000.00"))) == "details_mismatch"
    assert staff.refusal(loaded((1, "1000.01"), (2, "999.99"), *right[2:])) == "details_mismatch"
    staff.do(loaded(*reversed(right)))


def test_a_unit_is_paid_once_a_month_but_for_supplements(staff: Bookkeeper) -> None:
    staff.do(wage_list("GZ-1", wage_line(1, "10.00")))
    assert staff.refusal(wage_list("GZ-2", wage_line(2, "10.00"))) == "run_repeated"
    staff.do(wage_list("GZ-2", wage_line(2, "10.00"), sala_month="2026-02"))
    staff.do(wage_list("GZ-3", wage_line(2, "10.00"), sala_property="2"))
    staff.issue("B2", "100.00", agency_code="101002", **WAGES)
    staff.do(wage_list("GZ-4", wage_line(3, "10.00", "B2", agency_code="101002")))


def test_the_wages_of_december_are_in_one_of_two_years(staff: Bookkeeper) -> None:
    """Each year looked at its own register alone, and December was paid out of both."""
    staff.do(wage_list("GZ-1", wage_line(1, "10.00")))
    before = go_to_next_year(staff)
    staff.issue("B1", "100.00", **WAGES)
    again = staff.ask(wage_list("GZ-1", wage_line(1, "10.00"))).problem
    assert again is not None
    assert again.code.text == "run_repeated"
    assert "440000000-2026" in again.detail
    staff.do(wage_list("GZ-1", wage_line(1, "10.00"), sala_property="2"))
    staff.do(wage_list("GZ-2", wage_line(1, "10.00"), sala_month="2026-02"))
    staff.ledger_id = before
    assert staff.refusal(wage_list("GZ-2", wage_line(2, "1.00"), sala_month="2026-02"))


def test_a_unit_may_pay_from_several_indicators(staff: Bookkeeper) -> None:
    staff.issue("B2", "100.00", gov_bgt_eco_code="50101", dep_bgt_eco_code="30102")
    lines = wage_line(1, "10.00"), wage_line(2, "7.00", "B2"), wage_line(3, "5.00")
    run = staff.do(wage_list("GZ-1", *lines)).subjects[0]
    assert [(p.bgt_id, p.net_sala) for p in run.loaded.parts] == [("B1", "15.00"), ("B2", "7.00")]
    assert staff.books()["应付职工薪酬"] == "22.00"


WRONG = {
    "net": (wage_line(1, "10.00", wage_sala="10.01"), "/lines/0/net_sala", "details_mismatch"),
    "ded": (
        wage_line(1, "10.00", total_ded="1.00", wage_sala="11.00"),
        "/lines/0/total_ded",
        "details_mismatch",
    ),
    "check digit": (
        wage_line(1, "10.00", iden_no=iden_no(1)[:-1] + ("1" if iden_no(1)[-1] != "1" else "2")),
        "/lines/0/iden_no",
        "details_mismatch",
    ),
    "no such day": (
        wage_line(1, "10.00", iden_no="110105199102300020"),
        "/lines/0/iden_no",
        "details_mismatch",
    ),
    "unit": (
        wage_line(1, "10.00", agency_code="101002"),
        "/lines/0/agency_code",
        "element_mismatch",
    ),
    "no wage": (wage_line(1, "10.00", "B2"), "/lines/0/bgt_id", "element_mismatch"),
    "unknown": (wage_line(1, "10.00", "B9"), "/lines/0/bgt_id", "indicator_not_found"),
}


@pytest.mark.parametrize(("line", "pointer", "code"), WRONG.values(), ids=list(WRONG))
def test_a_line_that_is_wrong_refuses_all(
    staff: Bookkeeper, line: object, pointer: str, code: str
) -> None:
    staff.issue("B2", "100.00")
    problem = staff.ask(wage_list("GZ-1", line)).problem  # type: ignore[arg-type]
    assert problem is not None
    assert (problem.code.text, problem.extra["pointer"]) == (code, pointer)
    assert "应付职工薪酬" not in staff.books()


def test_a_person_stands_there_once_and_sums_are_right(staff: Bookkeeper) -> None:
    twice = wage_line(1, "10.00"), wage_line(1, "5.00")
    assert staff.refusal(wage_list("GZ-1", *twice)) == "details_mismatch"
    for field in ("wage_sala", "net_sala", "total_ded"):
        short = wage_list("GZ-1", wage_line(1, "10.00", income_tax="1.00"), **{field: "9.99"})
        problem = staff.ask(short).problem
        assert problem is not None
        assert problem.extra["pointer"] == f"/{field}"
    staff.do(wage_list("GZ-1", wage_line(1, "10.00")))  # a refusal burns no number


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"sala_month": "2026-13"}, "/sala_month"),
        ({"sala_property": "3"}, "/sala_property"),
        ({"net_sala": "0.00"}, "/net_sala"),
        ({"lines": ()}, "/lines"),
    ],
)
def test_what_is_malformed(said: dict[str, object], pointer: str) -> None:
    asked = wage_list("GZ-1", wage_line(1, "10.00"))
    names = LoadWageRun.__struct_fields__
    with pytest.raises(RequestError) as refused:
        LoadWageRun(**{**{name: getattr(asked, name) for name in names}, **said}).check()
    assert refused.value.extra["pointer"] == pointer


HEADER = (
    "单位,指标主键,证件号码,收款人全称,收款人账号,收款人开户银行,"
    "应发工资,代扣个人所得税,扣款合计,实发工资"
)


def test_a_file_tells_every_error_by_line_and_column() -> None:
    rows = [
        HEADER,
        f"101001,B1,{iden_no(1)},样例一,{account(1)},样例银行,110.00,10.00,10.00,100.00",
        f"101001,B1,{iden_no(1)},样例二,{account(2)},样例银行,110.00,10.00,10.00,100.01",
        "101001,B1,12345,样例三,62,样例银行,x,,,100.00",
    ]
    with pytest.raises(Refusal) as refused:
        read_wage_file(BytesIO("\n".join(rows).encode()), "text/csv")
    told = [(e["line"], e["column"]) for e in refused.value.extra["errors"]]
    assert told == [(3, "net_sala"), (3, "iden_no"), (4, "payee_acct_no"), (4, "wage_sala")]
    sent = read_wage_file(BytesIO("\n".join(rows[:2]).encode()), "text/csv")
    assert sent.lines[0].net_sala == "100.00"
    assert sent.lines[0].insurance_amt == ""


@pytest.mark.parametrize(
    ("number", "is_right"),
    [
        ("11010519491231002X", True),  # the example of the standard
        ("110105194912310021", False),
        ("11010519491331002X", False),
        ("01010519491231002X", False),
        ("11010519491231002x", False),
    ],
)
def test_the_last_digit_checks_the_others(number: str, is_right: bool) -> None:
    assert (wrong_with(number) == "") is is_right

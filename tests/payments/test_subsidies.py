"""惠民惠农补贴: a list is entered whole or not at all, a person once a period, and pays that."""

from io import BytesIO
from typing import Any

import pytest

from division.recording import record
from division.standard import RegisterStandard
from ledger.deciding.principals import OPERATOR
from ledger.errors import Refusal, RequestError
from ledger.postgres.database import Database, connect
from payments.disbursement.commands import LoadLines
from payments.disbursement.opening import OpenRun
from payments.list_files import read_list_file
from payments.payees import PayeesDigest
from payments.subsidies.lines import due_fen, rules_of
from tests.division.test_banks import KnowingBookkeeper
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import Bookkeeper
from tests.support.cards import GUANGDONG
from tests.support.next_year import go_to_next_year
from tests.support.subsidies import SUBSIDY, subsidy_line, subsidy_list
from tests.support.wages import account, iden_no

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.issue("B1", "10000.00", **SUBSIDY)
    return bookkeeper


def opened(bgt_id: str = "B1", run_no: str = "BT-1-1") -> OpenRun:
    return OpenRun(
        run_no=run_no, bgt_id=bgt_id, title="补贴", use_des="补贴", subsidy_list_no="BT-1"
    )


def loaded(*lines: tuple[int, int]) -> LoadLines:
    payees = PayeesDigest()
    for serial, fen in lines:
        payees.take(account(serial), fen)
    return LoadLines(
        run_no="BT-1-1",
        bgt_id="B1",
        line_count=len(lines),
        pay_amt="350.00",
        lines_sm3="a" * 64,
        file_sm3="b" * 64,
        payees_sm3=payees.hex(),
    )


def test_a_list_is_handed_on_once_and_pays_no_other_lines(b: Bookkeeper) -> None:
    b.do(subsidy_list("BT-1", subsidy_line(1, "2.5"), subsidy_line(2)))
    b.issue("B2", "10.00", **SUBSIDY)
    assert b.refusal(opened("B2", "BT-1-9")) == "details_mismatch"
    run = b.do(opened()).subjects[0]
    assert run.opened.subsidy_list_no == "BT-1"
    assert b.ask(opened()).replayed
    assert b.refusal(opened(run_no="BT-1-2")) == "invalid_state"
    assert b.refusal(loaded((1, 25000), (3, 10000))) == "details_mismatch"
    b.do(loaded((2, 10000), (1, 25000)))


def test_a_person_has_a_subsidy_once_a_period(b: Bookkeeper) -> None:
    b.do(subsidy_list("BT-1", subsidy_line(1), subsidy_line(2)))
    again = b.ask(subsidy_list("BT-2", subsidy_line(3), subsidy_line(2), subsidy_line(1))).problem
    assert again is not None
    assert again.code.text == "run_repeated"
    assert [each["pointer"] for each in again.extra["errors"]] == [
        "/lines/1/iden_no",
        "/lines/2/iden_no",
    ]
    b.do(subsidy_list("BT-2", subsidy_line(3)))  # a refusal burns no number
    b.do(subsidy_list("BT-3", subsidy_line(1), pay_period="2026-02"))
    b.do(subsidy_list("BT-4", subsidy_line(1), subsidy_code="2-014"))


def test_a_subsidy_is_paid_by_the_month_or_by_the_year(b: Bookkeeper) -> None:
    b.do(subsidy_list("BT-1", subsidy_line(1)))
    assert b.refusal(subsidy_list("BT-2", subsidy_line(2), pay_period="2026")) == "element_mismatch"
    b.do(subsidy_list("BT-3", subsidy_line(2), pay_period="2026", subsidy_code="2-014"))
    of_march = subsidy_list("BT-4", subsidy_line(3), subsidy_code="2-014")
    assert b.refusal(of_march) == "element_mismatch"


def test_a_period_is_paid_in_one_of_two_years(b: Bookkeeper) -> None:
    """Each year looked at its own register alone, and who was in both lists was paid twice."""
    b.do(subsidy_list("BT-1", subsidy_line(1), subsidy_line(2)))
    b.do(subsidy_list("BT-2", subsidy_line(1), pay_period="2026", subsidy_code="2-014"))
    go_to_next_year(b)
    b.issue("B1", "10000.00", **SUBSIDY)
    again = b.ask(subsidy_list("BT-1", subsidy_line(3), subsidy_line(2))).problem
    assert again is not None
    [told] = again.extra["errors"]
    assert (told["code"], told["pointer"]) == ("run_repeated", "/lines/1/iden_no")
    assert "440000000-2026" in told["detail"]
    assert b.refusal(subsidy_list("BT-1", subsidy_line(3), pay_period="2026")) == "element_mismatch"
    of_march = subsidy_list("BT-1", subsidy_line(3), subsidy_code="2-014")
    assert b.refusal(of_march) == "element_mismatch"
    b.do(subsidy_list("BT-1", subsidy_line(3)))
    b.do(subsidy_list("BT-2", subsidy_line(1), pay_period="2027-03"))


OWN = iden_no(1)
WRONG: dict[str, tuple[dict[str, str], str, str]] = {
    "check digit": ({"iden_no": OWN[:-1] + ("1" if OWN[-1] != "1" else "2")}, "iden_no", ""),
    "amount": ({"pay_amt": "250.01"}, "pay_amt", ""),
    "who receives": ({"payee_acct_name": "样例村民"}, "payee_iden_no", ""),
    "whose number": ({"payee_iden_no": iden_no(2)}, "payee_iden_no", ""),
}


def test_a_line_that_is_wrong_refuses_all(b: Bookkeeper) -> None:
    for name, (changed, field, _) in WRONG.items():
        lines = subsidy_line(3), subsidy_line(1, "2.5", **changed)
        problem = b.ask(subsidy_list("BT-1", *lines)).problem
        assert problem is not None, name
        told = problem.code.text, problem.extra["pointer"]
        assert told == ("details_mismatch", f"/lines/1/{field}"), name
    assert b.refusal(subsidy_list("BT-1", subsidy_line(1), subsidy_line(1))) == "details_mismatch"
    assert b.refusal(subsidy_list("BT-1", subsidy_line(1), pay_amt="1.00")) == "details_mismatch"
    other = subsidy_line(1, payee_acct_name="样例村民", payee_iden_no=iden_no(2))
    b.do(subsidy_list("BT-1", other))


def test_what_a_list_is_of(b: Bookkeeper) -> None:
    b.issue("B2", "10.00")
    one = subsidy_line(1)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"bgt_id": "B2"}, "element_mismatch"),
        ({"bgt_id": "B9"}, "indicator_not_found"),
        ({"pay_period": "2026-04"}, "future_date"),
        ({"pay_period": "2027"}, "period_closed"),
        ({"std_code": "BT-GD"}, "element_invalid"),
    ]
    for said, code in refused:
        assert b.refusal(subsidy_list("BT-1", one, **said)) == code, said
    for said in ({"pay_period": "2026-3"}, {"pay_period": "2026-13"}):
        with pytest.raises(RequestError):
            subsidy_list("BT-1", one, **said).check()


def test_the_standard_is_the_divisions_of_the_day(database: Database) -> None:
    keeper = KnowingBookkeeper(database)
    standard = {"name": "耕地补贴", "unit": "亩", "dep_bgt_eco_code": "30399"}
    with connect(database.app_conninfo) as connection:
        register = RegisterStandard(std_code="BT-GD", amt="100.00", **standard)
        record(connection, GUANGDONG, [register], FREELY, by=OPERATOR)
    keeper.open()
    keeper.issue("B1", "10000.00", **SUBSIDY)
    keeper.do(subsidy_list("BT-1", subsidy_line(1), std_code="BT-GD"))
    more = subsidy_line(2, pay_amt="101.00")
    said = {"std_code": "BT-GD", "subsidy_std_amt": "101.00"}
    assert keeper.refusal(subsidy_list("BT-2", more, **said)) == "element_mismatch"
    keeper.close()
    keeper.pool.close()


@pytest.mark.parametrize(
    ("quantity", "std_fen", "fen"),
    [("1", 12345, 12345), ("0.5", 1, 1), ("0.4999", 1, 0), ("3.25", 8067, 26218), ("12", 10, 120)],
)
def test_an_amount_is_to_the_fen(quantity: str, std_fen: int, fen: int) -> None:
    assert due_fen(quantity, std_fen) == fen


HEADER = "证件号码,补贴对象,收款人全称,收款人账号,收款人开户银行,领款人证件号码,补贴数量,支付金额"


def test_a_file_tells_every_error_by_line_and_column() -> None:
    rows = [
        HEADER,
        f"{iden_no(1)},样例一,样例一,{account(1)},样例银行,,2.5,250.00",
        f"{iden_no(1)},样例一,样例一,{account(1)},样例银行,,2.5,250.01",
        f"{iden_no(2)},样例二,样例三,{account(2)},样例银行,,1,100.00",
        f"{iden_no(3)},样例四,样例四,62,样例银行,,x,100.00",
    ]
    with pytest.raises(Refusal) as refused:
        read_list_file(rules_of(10000), BytesIO("\n".join(rows).encode()), "text/csv")
    told = [(e["line"], e["column"]) for e in refused.value.extra["errors"]]
    assert told == [
        (3, "pay_amt"),
        (3, "iden_no"),
        (4, "payee_iden_no"),
        (5, "payee_acct_no"),
        (5, "quantity"),
    ]
    sent = read_list_file(rules_of(10000), BytesIO("\n".join(rows[:2]).encode()), "text/csv")
    assert sent.lines[0].pay_amt == "250.00"

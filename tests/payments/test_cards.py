"""公务卡: what was spent with a card is reimbursed once, whatever way it is asked for."""

import re
from collections.abc import Iterator
from datetime import date
from threading import Thread
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ledger.account_set import ledger_id
from ledger.deciding.opening import OpenLedger
from ledger.deciding.other_years import OtherYear
from ledger.errors import RequestError
from ledger.events import encode
from ledger.postgres.database import Database, connect
from ledger.reading.other_ledgers import lock_other_years
from payments.application import RejectPayment, WithdrawPayment
from payments.cards.lines import REIMBURSED
from payments.disbursement.opening import OpenRun
from payments.events import PaymentApplied, PaymentRefunded
from payments.voiding import VoidPayment
from tests.division.test_banks import KnowingBookkeeper
from tests.support.bookkeeper import detail, payment, refund_notice
from tests.support.cards import CARD, OTHER_CARD, card, register_cards, reimbursing, spent
from tests.support.next_year import go_to_next_year
from tests.support.paths import ROOT
from tests.support.waiting import HANG_S, wait_until
from verifier import guoku_verify

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def b(database: Database) -> Iterator[KnowingBookkeeper]:
    keeper = KnowingBookkeeper(database)
    with connect(database.app_conninfo) as connection:
        repaid = {"repay_acct_no": "4400100000000000001", "start_date": date(2026, 1, 1)}
        register_cards(connection, card(), card(OTHER_CARD, agency_code="102001", **repaid))
    keeper.open()
    keeper.issue("B1", "100000.00")
    yield keeper
    keeper.close()
    keeper.pool.close()


def taken(b: KnowingBookkeeper) -> list[str]:
    """What the register holds, by authorisation."""
    rows = b.sql("SELECT key FROM registers WHERE ledger_id = %s AND register = 'card_line'")
    return sorted(key.rpartition("/")[2] for (key,) in rows)


def test_the_example_of_the_page_holds(b: KnowingBookkeeper) -> None:
    page = (ROOT / "docs" / "cards.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    exec(example, {**globals(), "b": b})


def test_what_was_spent_is_reimbursed_once(b: KnowingBookkeeper) -> None:
    b.do(reimbursing("P1", "480.00", spent("A1", "500.00", pay_amt="480.00")))
    again = b.ask(reimbursing("P2", "20.00", spent("A1", "500.00", pay_amt="20.00"))).problem
    assert again is not None
    assert again.code.text == "card_line_repeated"
    assert again.extra["pointer"] == "/details/0/card_auth_no"
    b.do(reimbursing("P3", "500.00", spent("A1", "500.00", on="2026-02-28")))
    b.do(reimbursing("P4", "500.00", spent("A2", "500.00")))
    assert taken(b) == ["A1", "A1", "A2"]
    assert b.figures("B1")["occupied"] == "1480.00"


def test_of_a_batch_the_second_is_refused(b: KnowingBookkeeper) -> None:
    asked = [reimbursing(f"P{n}", "500.00", spent("A1", "500.00")) for n in range(3)]
    problems = [outcome.problem for outcome in b.submit(*asked)]
    assert [p and p.code.text for p in problems] == [None, *["card_line_repeated"] * 2]
    twice = reimbursing("P9", "2.00", spent("A2", "1.00"), spent("A2", "1.00", "2"))
    assert b.refusal(twice) == "details_mismatch"


def test_it_is_free_where_the_payment_ends_without_money(b: KnowingBookkeeper) -> None:
    """Rejected, withdrawn, void, failed."""
    ends: dict[str, Any] = {
        "P1": (RejectPayment(pay_app_no="P1", reason="附件不全"), "checker"),
        "P2": (WithdrawPayment(pay_app_no="P2"), "maker"),
        "P3": (VoidPayment(pay_app_no="P3", reason="作废"), "checker"),
    }
    for number, (end, by) in ends.items():
        b.do(reimbursing(number, "500.00", spent("A1", "500.00")))
        if number == "P3":
            b.approve(number)
        b.do(end, by)
        assert taken(b) == []
    lines = spent("A1", "500.00"), spent("A2", "30.00", "2")
    b.do(reimbursing("P4", "530.00", *lines))
    approved = b.approve("P4")
    b.sign("P4")
    b.receipt(approved, "1")
    assert taken(b) == ["A2"]
    b.do(reimbursing("P5", "500.00", spent("A1", "500.00")))


def test_it_is_free_when_all_of_it_has_come_back(b: KnowingBookkeeper) -> None:
    b.do(reimbursing("P1", "500.00", spent("A1", "500.00")))
    approved = b.approve("P1")
    b.sign("P1")
    b.receipt(approved)
    b.refund("P1", "200.00")
    assert taken(b) == ["A1"]
    assert b.refusal(reimbursing("P2", "200.00", spent("A1", "200.00"))) == "card_line_repeated"
    b.refund("P1", "300.00")
    assert taken(b) == []
    b.do(reimbursing("P3", "500.00", spent("A1", "500.00")))


def test_what_was_spent_in_december_is_reimbursed_in_one_of_two_years(
    b: KnowingBookkeeper,
) -> None:
    b.do(reimbursing("P1", "500.00", spent("A1", "500.00")))
    this_year = go_to_next_year(b)
    next_year = b.ledger_id
    b.issue("B1", "1000.00")
    again = b.ask(reimbursing("P1", "500.00", spent("A1", "500.00"))).problem
    assert again is not None
    assert again.code.text == "card_line_repeated"
    assert "440000000-2026" in again.detail
    b.ledger_id = this_year
    b.do(RejectPayment(pay_app_no="P1", reason="转下年报销"), "checker")
    b.ledger_id = next_year
    b.do(reimbursing("P2", "500.00", spent("A1", "500.00")))


def test_it_is_free_when_the_rest_comes_back_in_the_next_year(b: KnowingBookkeeper) -> None:
    """300.00 of it in its year, 200.00 in the next: the line stayed taken for ever."""
    b.do(reimbursing("P1", "500.00", spent("A1", "500.00")))
    approved = b.approve("P1")
    b.sign("P1")
    b.receipt(approved)
    paid = b.refund("P1", "300.00").subjects[0]
    assert taken(b) == ["A1"]
    january = date(2027, 1, 20)
    b.until(january)
    b.do(refund_notice(paid, [("1", 200_00)], january, "0009"), "bank")
    assert taken(b) == []
    this_year = go_to_next_year(b)
    b.issue("B1", "1000.00")
    b.do(reimbursing("P2", "500.00", spent("A1", "500.00")))
    b.ledger_id = this_year


def test_of_two_years_the_second_waits_for_the_first(
    database: Database, b: KnowingBookkeeper
) -> None:
    """Neither sees what the other has not committed, so each looks when the other is done."""
    key, years = "K", [b.ledger_id, ledger_id("440000000", 2027)]
    found: dict[int, OtherYear] = {}

    def look(year: int) -> None:
        with connect(database.app_conninfo) as connection:
            found[year] = lock_other_years(REIMBURSED, connection, year, [key])[key]

    with connect(database.app_conninfo) as first:
        assert lock_other_years(REIMBURSED, first, years[0], [key]) == {key: OtherYear()}
        second = Thread(target=look, args=(years[1],))
        second.start()
        wait_until(lambda: is_waiting(database), "the second year to wait")
        first.execute(
            "INSERT INTO registers (ledger_id, register, key, floored, amounts, day)"
            " VALUES (%s, 'card_line', %s, 1, '{1}', '2026-12-31')",
            (years[0], key),
        )
    second.join(HANG_S)
    assert found[years[1]] == OtherYear("440000000-2026")
    with connect(database.app_conninfo) as connection:  # no event has moved it
        connection.execute("DELETE FROM registers WHERE key = %s", (key,))


def is_waiting(database: Database) -> bool:
    with connect(database.app_conninfo) as connection:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        row = connection.execute(waiting).fetchone()
        return row is not None and row[0] == 1


WRONG = {
    "unknown": ({"card_no": "6282880000000000034"}, "element_invalid", "card_no"),
    "of another unit": ({"card_no": OTHER_CARD}, "element_mismatch", "card_no"),
    "before it was there": (
        {"card_no": OTHER_CARD, "on": "2025-12-31"},
        "element_invalid",
        "card_no",
    ),
    "of tomorrow": ({"on": "2026-03-03"}, "future_date", "consume_date"),
    "to somebody else": (
        {"payee_acct_no": "6222000000000000001"},
        "element_mismatch",
        "payee_acct_no",
    ),
    "another holder": ({"payee_acct_name": "样例干部二"}, "element_mismatch", "payee_acct_name"),
    "more than was spent": ({"consume_amt": "499.99"}, "details_mismatch", "pay_amt"),
    "no card": ({"card_no": "", "consume_date": "", "card_auth_no": "", "merchant_name": "",
                 "consume_amt": ""}, "element_mismatch", "card_no"),
}  # fmt: skip


def test_what_a_line_may_not_be(b: KnowingBookkeeper) -> None:
    for name, (changed, code, field) in WRONG.items():
        asked = {"on": "2026-03-01", **changed}
        problem = b.ask(reimbursing(f"P {name}", "500.00", spent("A1", "500.00", **asked))).problem
        assert problem is not None, name
        assert (problem.code.text, problem.extra["pointer"]) == (code, f"/details/0/{field}"), name
    assert taken(b) == []
    plain = payment("P-plain", "B1", "500.00", details=(spent("A1", "500.00"),))
    assert b.refusal(plain) == "element_mismatch"
    assert b.refusal(payment("P-none", "B1", "5.00", pay_bus_type_code="2")) == "element_mismatch"
    listed = OpenRun(
        run_no="R", bgt_id="B1", title="公务卡", use_des="公务卡还款", pay_bus_type_code="2"
    )
    assert b.refusal(listed) == "element_mismatch"


def test_nothing_else_is_paid_to_a_card(b: KnowingBookkeeper) -> None:
    """What was reimbursed was paid to the same card once more, as a payment of another type."""
    b.do(reimbursing("P1", "500.00", spent("A1", "500.00")))
    plain = payment("P2", "B1", "500.00", payee_acct_no=CARD)
    problem = b.ask(plain).problem
    assert problem is not None
    told = problem.code.text, problem.extra["pointer"]
    assert told == ("element_mismatch", "/pay_bus_type_code")
    lines = detail("1", "5.00"), detail("2", "5.00", f"{CARD[:4]}-{CARD[4:]}")
    assert b.refusal(payment("P3", "B1", "10.00", details=lines)) == "element_mismatch"
    b.do(payment("P4", "B1", "5.00", details=lines[:1]))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"card_auth_no": ""}, "card_auth_no"),
        ({"consume_date": "20260301"}, "consume_date"),
        ({"card_no": ""}, "card_no"),
        ({"consume_amt": "0.00"}, "consume_amt"),
    ],
)
def test_what_was_spent_is_said_as_a_whole(changed: dict[str, str], field: str) -> None:
    with pytest.raises(RequestError) as refused:
        reimbursing("P", "1.00", spent("A1", "1.00", payee_acct_no=CARD, **changed)).check()
    assert refused.value.extra["pointer"] == f"/details/0/{field}"


def test_a_ledger_of_an_earlier_release_pays_as_it_did(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenLedger, "CARDS", False)
    monkeypatch.setattr(OpenLedger, "SPECIAL", False)
    monkeypatch.setattr(OpenLedger, "UNIT_FUNDS", False)
    monkeypatch.setattr(OpenLedger, "TRANSFERS", False)
    monkeypatch.setattr(OpenLedger, "FOLLOWS", False)
    keeper = KnowingBookkeeper(database)
    with connect(database.app_conninfo) as connection:
        register_cards(connection, card())
    keeper.open()
    keeper.issue("B1", "100.00")
    keeper.do(reimbursing("P1", "5.00", detail("1", "5.00")))
    keeper.do(payment("P2", "B1", "5.00", payee_acct_no=CARD))
    keeper.close()
    keeper.pool.close()
    monkeypatch.undo()


def test_the_offline_verifier_finds_what_is_reimbursed_twice(b: KnowingBookkeeper) -> None:
    """It is told from the lines, whatever the events say of them."""
    lines = spent("A1", "500.00"), spent("A2", "30.00", "2")
    applied = b.do(reimbursing("P1", "530.00", *lines)).subjects[0].applied
    approved = b.approve("P1")
    b.sign("P1")
    b.receipt(approved, "2")
    b.refund("P1", "500.00")
    told = [event for _, _, event in b.events() if getattr(event, "card_lines", ())]
    assert [len(event.card_lines) for event in told] == [2, 1, 1]
    again = replace(applied, pay_app_no="P2")
    hidden = replace(applied, card_lines=())
    assert offline([*told, again]) == []
    assert offline([applied, again]) == ["what was spent"] * 1
    assert offline([hidden]) == ["it takes other card lines than it says"]
    assert offline([applied, replace(told[1], card_lines=())])[0].startswith("it sets other")


def offline(events: list[Any]) -> list[str]:
    found, check = [], guoku_verify.Reimbursed()
    for position, event in enumerate(events, 1):
        body = msgspec.json.decode(encode(event))
        stream = event.pay_app_no.encode()
        row = guoku_verify.Event(position, stream, 1, event.TYPE, 0, 0, b"", b"", event.TYPE, body)
        if isinstance(event, PaymentApplied):
            wrong = check.apply(row)
        elif isinstance(event, PaymentRefunded):
            wrong = check.free(row, [("1", 50000)])
        else:
            wrong = check.free(row, [("2", 0)])
        found += [wrong.partition(" 6282")[0]] if wrong else []
    return found

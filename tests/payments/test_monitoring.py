"""动态监控: rules of the division refuse a payment, want a reason for it, or hold it."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from division.monitor_events import Condition, MonitorRule
from division.monitor_rules import SetMonitorRules
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from ledger.errors import RequestError
from ledger.postgres.database import Database, connect
from payments.application import ApprovePayment, RejectPayment
from payments.orders.advance_steps import ExpenseAdvance
from payments.releasing import ReleasePayment
from tests.division.test_banks import KnowingBookkeeper
from tests.support.advances import paid
from tests.support.allocations import allocation
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import payment
from tests.support.openings import cash_opened

pytestmark = pytest.mark.usefixtures("decided_again")

GUANGDONG = standing_ledger("440000000")
OTHER = {"payee_acct_no": "6222000000000000002"}


@pytest.fixture
def b(database: Database) -> Iterator[KnowingBookkeeper]:
    keeper = KnowingBookkeeper(database)
    keeper.open()
    keeper.issue("B1", "100000.00")
    yield keeper
    keeper.close()
    keeper.pool.close()


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with connect(database.app_conninfo) as connection:
        yield connection


def when(field: str, op: str, *values: str, within_days: int | None = None) -> Condition:
    return Condition(field=field, op=op, values=values, within_days=within_days)


def rule(control: str, *conditions: Condition, code: str = "GZ-01", **more: Any) -> MonitorRule:
    given = {"rule_code": code, "rule_name": "样例规则", **more}
    return MonitorRule(control=control, when=conditions, **given)


def set_rules(conn: psycopg.Connection, *rules: MonitorRule, number: str = "1") -> None:
    command = SetMonitorRules(change_no=number, fiscal_year=2026, rules=rules)
    record(conn, GUANGDONG, [command], FREELY, by=OPERATOR)


def hits(b: KnowingBookkeeper) -> list[tuple[str, str, str]]:
    return [
        (event.pay_app_no, event.rule_code, event.reason)
        for _, name, event in b.events()
        if name == "monitor.hit"
    ]


def test_a_rule_refuses_and_says_which_it_is(
    b: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    keyword = when("use_des", "contains", "购物卡", "礼品")
    set_rules(conn, rule("intercept", keyword, when("pay_amt", "ge", "1000.00")))
    refused = b.ask(payment("P1", "B1", "1000.00", use_des="礼品采购"))
    assert refused.problem is not None
    assert refused.problem.code.text == "intercepted"
    assert refused.problem.extra["rule_codes"] == ["GZ-01"]
    b.do(payment("P2", "B1", "999.99", use_des="礼品采购"))
    b.do(payment("P3", "B1", "1000.00", use_des="办公用品"))
    assert hits(b) == []
    assert b.figures("B1")["occupied"] == "1999.99"


def test_a_warning_wants_a_reason_which_is_on_record(
    b: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    set_rules(conn, rule("warn", when("use_des_length", "lt", "3")))
    assert b.refusal(payment("P1", "B1", "1.00", use_des="其他")) == "confirmation_required"
    b.do(payment("P1", "B1", "1.00", use_des="其他", monitor_reason="零星支出，附清单"))
    assert hits(b) == [("P1", "GZ-01", "零星支出，附清单")]
    b.approve("P1")


def test_what_is_frozen_waits_for_another_person_than_the_maker(
    b: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    set_rules(conn, rule("freeze", when("pay_amt", "gt", "50000.00")))
    applied = b.do(payment("P1", "B1", "50000.01")).subjects[0]
    assert applied.is_held
    assert b.figures("B1")["occupied"] == "50000.01"
    assert b.refusal(ApprovePayment(pay_app_no="P1"), "checker") == "monitored"
    release = ReleasePayment(pay_app_no="P1", reason="合同约定，已核实")
    assert b.refusal(release, "maker") == "same_person"
    assert not b.do(release, "checker").subjects[0].is_held
    b.approve("P1")
    again = ReleasePayment(pay_app_no="P1", reason="再次")
    assert b.refusal(again, "checker") == "idempotency_conflict"
    assert b.ask(release, "checker").replayed
    b.do(payment("P2", "B1", "49999.99"))
    not_held = ReleasePayment(pay_app_no="P2", reason="误点")
    assert b.refusal(not_held, "checker") == "invalid_state"
    b.approve("P2")


def test_what_is_frozen_may_be_rejected(b: KnowingBookkeeper, conn: psycopg.Connection) -> None:
    set_rules(conn, rule("freeze", when("payee_acct_no", "is", OTHER["payee_acct_no"])))
    b.do(payment("P1", "B1", "10.00", **OTHER))
    b.do(RejectPayment(pay_app_no="P1", reason="收款人可疑"), "checker")
    assert b.figures("B1")["occupied"] == "0.00"


def test_split_payments_to_one_payee_are_counted_over_days(
    b: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    three = when("payee_payments", "ge", "3", within_days=2)
    set_rules(conn, rule("intercept", three, when("line_amt", "lt", "10000.00")))
    for day, number in ((2, "P1"), (3, "P2")):
        b.until(date(2026, 3, day))
        b.do(payment(number, "B1", "9000.00"))
    assert b.refusal(payment("P3", "B1", "9000.00")) == "intercepted"
    b.do(payment("P4", "B1", "9000.00", **OTHER))
    b.until(date(2026, 3, 4))
    b.do(payment("P5", "B1", "9000.00"))
    assert b.refusal(payment("P6", "B1", "9000.00")) == "intercepted"


def test_no_stretch_of_days_has_more_than_a_rule_allows_whatever_day_a_payment_is_dated(
    b: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    """Once only the days up to a payment's own were counted: the third of a week, refused today,
    was paid as soon as it was dated one day back."""
    set_rules(conn, rule("intercept", when("payee_payments", "ge", "3", within_days=7)))
    for number, on in (("P1", date(2026, 3, 14)), ("P2", date(2026, 3, 20))):
        b.until(on)
        b.do(payment(number, "B1", "9000.00"))
    for back in (date(2026, 3, 19), date(2026, 3, 17), date(2026, 3, 14), date(2026, 3, 3)):
        refused = payment(f"P-{back}", "B1", "9000.00", effective_on=back)
        assert b.refusal(refused) == "intercepted"
    b.until(date(2026, 3, 27))
    b.do(payment("P3", "B1", "9000.00", effective_on=date(2026, 3, 7)))
    b.do(payment("P4", "B1", "9000.00", effective_on=date(2026, 3, 7)))
    b.until(date(2026, 3, 28))
    for back in (date(2026, 3, 2), date(2026, 3, 13)):
        refused = payment(f"P-again-{back}", "B1", "9000.00", effective_on=back)
        assert b.refusal(refused) == "intercepted"


def test_payments_dated_each_into_a_stretch_of_its_own_are_counted_as_they_are_applied_for(
    b: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    """Each passed a rule of two a week, while today's week had none."""
    b.until(date(2026, 3, 31))
    small = when("line_amt", "lt", "9999.00")
    three = when("payee_payments", "ge", "3", within_days=7)
    set_rules(conn, rule("intercept", small, three))
    for number, on in (("P1", date(2026, 3, 2)), ("P2", date(2026, 3, 10))):
        b.do(payment(number, "B1", "9000.00", effective_on=on))
    for on in (date(2026, 3, 20), None):
        refused = payment(f"P-{on}", "B1", "9000.00", effective_on=on)
        assert b.refusal(refused) == "intercepted"
    b.do(payment("P3", "B1", "9000.00", effective_on=date(2026, 3, 20), **OTHER))
    b.do(payment("P4", "B1", "9999.00"))  # is counted, though nothing of it was asked
    b.until(date(2026, 4, 7))  # those of 31 March are more than seven days ago
    b.do(payment("P5", "B1", "9000.00", effective_on=date(2026, 3, 20)))
    b.do(payment("P6", "B1", "9000.00"))
    assert b.refusal(payment("P7", "B1", "9000.00")) == "intercepted"


def test_orders_to_the_central_bank_pass_no_rule_unseen(
    b: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    """Allocations, and advances that became an expense, were looked at by no rule."""
    b.do(cash_opened(f111="1000.00"), "accountant")
    paid(b, "YB-1", "90.00")
    gift = when("use_des", "contains", "礼品")
    named = rule("warn", when("pay_amt", "ge", "50.00"), code="GZ-03")
    for number, control in enumerate(("intercept", "freeze")):
        set_rules(conn, rule(control, gift), named, number=str(number))
        refused = b.ask(
            allocation(f"SB-1{number}", "B1", "30.00", use_des="礼品"), "accountant"
        ).problem
        assert refused is not None
        assert (refused.code.text, refused.extra["rule_codes"]) == ("intercepted", ["GZ-01"])
        step = ExpenseAdvance(adv_no="YB-1", step_no=f"S{number}", bgt_id="B1", amt="1.00")
        assert b.refusal(replace(step, reason="礼品"), "accountant") == "intercepted"
    ordered = b.do(allocation("SB-2", "B1", "50.00"), "accountant").subjects[0]
    assert ordered.ordered.monitor_rules == ("GZ-03",)
    expensed = ExpenseAdvance(adv_no="YB-1", step_no="S9", bgt_id="B1", amt="49.00")
    [*_, last] = b.do(expensed, "accountant").subjects[0].steps
    assert last.monitor_rules == ()


def test_a_payment_dated_before_a_rule_is_held_to_it_as_it_is_decided(
    b: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    """Once a rule from the 10th on let pass what was dated the 9th, and one about days off what was
    dated a working day."""
    b.until(date(2026, 3, 21))  # a Saturday
    keyword = when("use_des", "contains", "礼品")
    day_off = when("is_workday", "is", "2")
    since, other = {"start_date": "2026-03-10"}, {"code": "GZ-02"}
    set_rules(conn, rule("intercept", keyword, **since), rule("intercept", day_off, **other))
    before = {"effective_on": date(2026, 3, 9), "use_des": "礼品"}
    refused = b.ask(payment("P1", "B1", "1.00", **before)).problem
    assert refused is not None
    assert refused.extra["rule_codes"] == ["GZ-01"]
    worked = b.ask(payment("P2", "B1", "1.00", effective_on=date(2026, 3, 9))).problem
    assert worked is not None
    assert worked.extra["rule_codes"] == ["GZ-02"]


def test_an_account_is_the_same_in_every_spelling(
    b: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    """Once an account with a dash in it was another, for what is counted and for its list."""
    twice = when("payee_payments", "ge", "2", within_days=7)
    listed = when("payee_acct_no", "is", "nra-0001")
    set_rules(conn, rule("intercept", twice), rule("intercept", listed, code="GZ-02"))
    b.do(payment("P1", "B1", "1.00", payee_acct_no="6222000a01"))
    assert b.refusal(payment("P2", "B1", "1.00", payee_acct_no="6222-000A-01")) == "intercepted"
    assert b.refusal(payment("P3", "B1", "1.00", payee_acct_no="NRA0-001")) == "intercepted"


def test_amounts_to_one_payee_are_added_up_and_read_from_the_database(
    b: KnowingBookkeeper, conn: psycopg.Connection, database: Database
) -> None:
    over = when("payee_amt", "gt", "300.00", within_days=30)
    set_rules(conn, rule("intercept", over))
    b.do(payment("P1", "B1", "200.00"))
    elsewhere = KnowingBookkeeper(database)
    assert elsewhere.refusal(payment("P2", "B1", "100.01")) == "intercepted"
    elsewhere.do(payment("P3", "B1", "100.00"))
    elsewhere.close()
    elsewhere.pool.close()
    assert b.refusal(payment("P4", "B1", "0.01")) == "intercepted"


def test_other_rules_hold_from_the_next_payment_on_and_of_their_days(
    b: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    any_amount = when("pay_amt", "ge", "0.01")
    set_rules(conn, rule("intercept", any_amount, end_date="2026-03-03"))
    assert b.refusal(payment("P1", "B1", "1.00")) == "intercepted"
    b.until(date(2026, 3, 3))
    b.do(payment("P2", "B1", "1.00"))
    set_rules(conn, rule("intercept", any_amount, when("is_workday", "is", "1")), number="2")
    assert b.refusal(payment("P3", "B1", "1.00")) == "intercepted"
    set_rules(conn, number="3")
    b.do(payment("P4", "B1", "1.00"))


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        (rule("stop", when("pay_amt", "gt", "1.00")), "/rules/1/control"),
        (rule("warn"), "/rules/1/when"),
        (rule("warn", when("colour", "is", "red")), "/rules/1/when/0/field"),
        (rule("warn", when("pay_amt", "contains", "1.00")), "/rules/1/when/0/op"),
        (rule("warn", when("pay_amt", "gt", "1")), "/rules/1/when/0/values/0"),
        (rule("warn", when("hour", "ge", "x")), "/rules/1/when/0/values/0"),
        (rule("warn", when("payee_amt", "gt", "1.00")), "/rules/1/when/0/within_days"),
        (rule("warn", when("use_des", "is", "x", within_days=2)), "/rules/1/when/0/within_days"),
        (rule("warn", when("is_workday", "is", "yes")), "/rules/1/when/0/values/0"),
        (rule("warn", when("pay_amt", "gt", "1.00"), start_date="2026-2-1"), "/rules/1/start_date"),
        (rule("warn", when("pay_amt", "gt", "1.00"), code="GZ-00"), "/rules/1/rule_code"),
    ],
)
def test_a_rule_that_says_nothing_is_refused_with_line_and_reason(
    wrong: MonitorRule, pointer: str
) -> None:
    sound = rule("warn", when("pay_amt", "gt", "1.00"), code="GZ-00")
    with pytest.raises(RequestError) as refused:
        SetMonitorRules(fiscal_year=2026, rules=(sound, wrong)).check()
    [told] = refused.value.extra["errors"]
    assert (told["line"], told["pointer"]) == (2, pointer)
    assert told["reason"]

"""Invariant 9: maker is not checker; required signatures by distinct persons, in order."""

from payments.application import ApprovePayment, RejectPayment
from tests.support.bookkeeper import Bookkeeper, signature


def applied(b: Bookkeeper) -> None:
    b.issue("B", "100.00")
    b.apply("P", "B", "10.00")


def test_whoever_applied_does_not_check(bookkeeper: Bookkeeper) -> None:
    applied(bookkeeper)
    assert bookkeeper.refusal(ApprovePayment(pay_app_no="P"), "maker") == "same_person"
    reject = RejectPayment(pay_app_no="P", reason="x")
    assert bookkeeper.refusal(reject, "maker") == "same_person"
    bookkeeper.approve("P")
    assert bookkeeper.refusal(ApprovePayment(pay_app_no="P"), "another") == "invalid_state"


def test_signatures_come_in_order_from_distinct_persons(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.policy("unit", "finance_first", "finance_second")
    applied(b)
    assert b.refusal(signature("P", "unit"), "u") == "invalid_state"  # not approved yet
    b.approve("P")
    assert b.refusal(signature("P", "finance_first"), "f1") == "signature_order"
    b.sign("P", "unit", "u")
    assert b.refusal(signature("P", "finance_first"), "u") == "same_person"
    assert b.refusal(signature("P", "finance_second"), "f2") == "signature_order"
    assert b.refusal(signature("P", "finance_first", b"other"), "f1") == "signature_invalid"
    assert b.sign("P", "finance_first", "f1").subjects[0].status == "approved"
    assert b.sign("P", "finance_second", "f2").subjects[0].status == "signed"
    assert b.refusal(signature("P", "treasury"), "t") == "invalid_state"


def test_a_voucher_keeps_the_policy_it_was_issued_under(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    applied(b)
    b.approve("P")
    b.policy("unit", "treasury")
    assert b.sign("P", "treasury").subjects[0].status == "signed"


def test_refusals_of_known_callers_are_on_record(bookkeeper: Bookkeeper) -> None:
    applied(bookkeeper)
    bookkeeper.ask(ApprovePayment(pay_app_no="P"), "maker")
    _, name, refused = bookkeeper.events()[-1]
    assert name == "command.refused"
    assert (refused.operation, refused.code, refused.by) == (
        "payment.approve",
        "same_person",
        "maker",
    )

"""审批: what other persons must agree to, over the real write path."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from budget.indicator import Indicator
from budget.indicators import AdjustIndicator, IssueIndicator, ReallocateIndicator
from ledger.books import load_charts
from ledger.closing import ClosePeriod
from ledger.deciding.approvals import (
    APPROVAL_POLICY,
    ApprovalPolicy,
    SetApprovalPolicy,
    after,
    check_policy,
    default_policy,
    same_person,
)
from ledger.deciding.command import Outcome, Submission
from ledger.deciding.documents import ApproveDocument, Document, ReturnDocument
from ledger.deciding.opening import OpenLedger
from ledger.deciding.settings import LedgerSettings
from ledger.errors import RequestError
from ledger.events import DocumentSubmitted, decode, encode
from ledger.gm import default_provider
from ledger.postgres.database import Database
from ledger.reading.objects import read_head
from payments.application import WithdrawPayment
from payments.signature_policy import SetSignaturePolicy
from payments.verification.run import Options, verify_ledger
from tests.support.bookkeeper import ELEMENTS, Bookkeeper

pytestmark = pytest.mark.usefixtures("decided_again")

CHECKED = {"indicator.issue": ("treasury_checker",), "indicator.adjust": ("treasury_checker",)}
TWO = ("unit_checker", "treasury_checker")


@pytest.fixture
def keeper(pool: ConnectionPool) -> Iterator[Bookkeeper]:
    """A ledger in which a checker must agree to what makes or moves authority to spend."""
    keeper = Bookkeeper(pool)
    keeper.open(**CHECKED, **{"indicator.reallocate": TWO, "signature_policy.set": ("admin",)})
    yield keeper
    keeper.close()


def issuing(bgt_id: str, amount: str = "1000.00", **more: Any) -> IssueIndicator:
    return IssueIndicator(bgt_id=bgt_id, amount=amount, **{**ELEMENTS, **more})


def agreeing(kind: str, number: str, *roles: str, **more: Any) -> ApproveDocument:
    return ApproveDocument(
        document_kind=kind, document_no=number, roles=roles or ("treasury_checker",), **more
    )


def giving_back(kind: str, number: str, *roles: str, reason: str = "单位有误") -> ReturnDocument:
    return ReturnDocument(
        document_kind=kind, document_no=number, roles=roles or ("treasury_checker",), reason=reason
    )


def document_of(outcome: Outcome) -> Document:
    assert outcome.problem is None, str(outcome.problem)
    [document] = outcome.subjects
    assert isinstance(document, Document)
    return document


def types(keeper: Bookkeeper) -> list[str]:
    return [name for _, name, _ in keeper.events()]


def submitted(keeper: Bookkeeper, bgt_id: str, amount: str = "1000.00") -> Document:
    return document_of(keeper.ask(issuing(bgt_id, amount)))


# ---- one other person


def test_what_is_submitted_moves_nothing_until_another_person_agrees(keeper: Bookkeeper) -> None:
    document = submitted(keeper, "B1")
    assert (document.state, document.awaits) == ("submitted", ("treasury_checker",))
    assert types(keeper) == ["ledger.opened", "document.submitted"]
    assert keeper.sql("SELECT key FROM registers WHERE ledger_id = %s") == []

    outcome = keeper.do(agreeing("indicator.issue", "B1"), "checker")
    [indicator] = outcome.subjects
    assert isinstance(indicator, Indicator)
    assert types(keeper)[2:] == ["document.approved", "indicator.issued", "journal.posted"]
    assert keeper.events()[3][2].by == "maker"
    assert keeper.figures("B1")["available"] == "1000.00"
    assert outcome.commit is not None
    assert outcome.commit.position == 5


def test_whoever_made_it_may_not_agree_in_whatever_letters(keeper: Bookkeeper) -> None:
    submitted(keeper, "B1")
    assert keeper.refusal(agreeing("indicator.issue", "B1"), "maker") == "same_person"
    assert keeper.refusal(agreeing("indicator.issue", "B1"), "Maker") == "same_person"
    assert keeper.refusal(agreeing("indicator.issue", "B1", "unit"), "checker") == "forbidden"
    assert keeper.refusal(agreeing("indicator.issue", "B2"), "checker") == "not_found"
    keeper.do(agreeing("indicator.issue", "B1"), "checker")
    assert keeper.refusal(agreeing("indicator.issue", "B1"), "another") == "invalid_state"


def test_two_roles_agree_in_order_and_are_two_persons(keeper: Bookkeeper) -> None:
    for bgt_id in ("B1", "B2"):
        submitted(keeper, bgt_id)
        keeper.do(agreeing("indicator.issue", bgt_id), "checker")
    move = ReallocateIndicator(bgt_id="B1", to_bgt_id="B2", adj_no="T1", amt="1.00", reason="调剂")
    assert document_of(keeper.ask(move)).awaits == TWO
    kind = "indicator.reallocate"
    assert keeper.refusal(agreeing(kind, "T1", "treasury_checker"), "checker") == "forbidden"
    waiting = document_of(keeper.ask(agreeing(kind, "T1", *TWO), "both"))
    assert waiting.awaits == ("treasury_checker",)
    assert keeper.figures("B1")["available"] == "1000.00"
    keeper.do(agreeing(kind, "T1", *TWO), "both")  # told again, and not the second agreement
    assert keeper.figures("B1")["available"] == "1000.00"
    keeper.do(agreeing(kind, "T1", "treasury_checker"), "checker")
    assert keeper.figures("B1")["available"] == "999.00"
    assert keeper.figures("B2")["available"] == "1001.00"


# ---- refusals


def test_what_would_be_refused_is_refused_at_once_and_burns_no_number(keeper: Bookkeeper) -> None:
    assert keeper.refusal(issuing("B1", exp_func_code="9990101")) == "element_invalid"
    assert types(keeper) == ["ledger.opened", "command.refused"]
    submitted(keeper, "B1")
    assert keeper.events()[-1][2].number == "B1"


def test_what_is_refused_when_the_last_one_agrees_stays_to_be_approved(keeper: Bookkeeper) -> None:
    submitted(keeper, "B1")
    keeper.do(agreeing("indicator.issue", "B1"), "checker")
    cut = AdjustIndicator(bgt_id="B1", adj_no="T1", adj_amt="-900.00", reason="追减")
    document_of(keeper.ask(cut))
    keeper.apply("P1", "B1", "500.00")
    before = len(types(keeper))
    again = agreeing("indicator.adjust", "T1")
    assert keeper.refusal(again, "checker") == "insufficient_indicator"
    assert types(keeper)[before:] == ["command.refused"]
    refused = keeper.events()[-1][2]
    assert (refused.operation, refused.number) == ("document.approve", "indicator.adjust/T1")
    keeper.do(WithdrawPayment(pay_app_no="P1"))
    keeper.do(again, "checker")
    assert keeper.figures("B1")["available"] == "100.00"


def test_a_dry_run_says_what_would_wait_and_stores_nothing(keeper: Bookkeeper) -> None:
    document = document_of(keeper.ask(issuing("B1"), dry_run=True))
    assert document.awaits == ("treasury_checker",)
    assert types(keeper) == ["ledger.opened"]
    submitted(keeper, "B1")
    [indicator] = keeper.do(agreeing("indicator.issue", "B1"), "checker", dry_run=True).subjects
    assert indicator.figures.canuse_amt == "1000.00"
    assert types(keeper) == ["ledger.opened", "document.submitted"]


# ---- told again


def test_the_same_again_is_shown_as_waiting_and_then_as_done(keeper: Bookkeeper) -> None:
    first = keeper.ask(issuing("B1"))
    again = keeper.ask(issuing("B1"))
    assert again.replayed
    assert document_of(again) == document_of(first)
    assert again.commit == first.commit
    assert keeper.refusal(issuing("B1", "2000.00")) == "idempotency_conflict"
    approved = keeper.do(agreeing("indicator.issue", "B1"), "checker")
    repeated = keeper.do(agreeing("indicator.issue", "B1"), "checker")
    assert (repeated.replayed, repeated.subjects) == (True, approved.subjects)
    assert repeated.commit == approved.commit
    assert repeated.brought == approved.brought == issuing("B1")
    last = keeper.ask(issuing("B1"))
    assert (last.replayed, last.subjects, last.commit) == (
        True,
        approved.subjects,
        approved.commit,
    )


def test_a_program_that_begins_anew_answers_alike(keeper: Bookkeeper, pool: ConnectionPool) -> None:
    first = keeper.ask(issuing("B1"), idempotency_key="K1")
    other = Bookkeeper(pool)
    again = other.ask(issuing("B1"), idempotency_key="K1")
    assert (again.replayed, again.subjects, again.commit) == (True, first.subjects, first.commit)
    assert other.refusal(issuing("B2"), idempotency_key="K1") == "idempotency_conflict"
    approved = other.do(agreeing("indicator.issue", "B1"), "checker", idempotency_key="K2")
    other.close()
    third = Bookkeeper(pool)
    for command, by, key in (
        (issuing("B1"), "maker", "K1"),
        (agreeing("indicator.issue", "B1"), "checker", "K2"),
        (agreeing("indicator.issue", "B1"), "checker", ""),
    ):
        told = third.ask(command, by, idempotency_key=key)
        assert (told.replayed, told.subjects, told.commit) == (
            True,
            approved.subjects,
            approved.commit,
        )
    third.close()


def test_all_of_it_in_one_batch(keeper: Bookkeeper) -> None:
    """A committer takes what waits together: each sees what the one before it did."""
    asked = [
        issuing("B1"),
        issuing("B1"),
        agreeing("indicator.issue", "B1"),
        issuing("B1"),
        agreeing("indicator.issue", "B1"),
        issuing("B1", "2.00"),
    ]
    by = ["maker", "maker", "checker", "maker", "checker", "maker"]
    submissions = [Submission(command=c, by=p) for c, p in zip(asked, by, strict=True)]
    outcomes = keeper.sequencer.submit(keeper.ledger_id, submissions).result(60)
    assert [o.status for o in outcomes] == [
        "created",
        "replayed",
        "created",
        "replayed",
        "replayed",
        "refused",
    ]
    assert outcomes[3].subjects == outcomes[4].subjects == outcomes[2].subjects
    assert keeper.figures("B1")["available"] == "1000.00"


def test_all_or_none_takes_documents_back_too(keeper: Bookkeeper) -> None:
    outcomes = keeper.submit(issuing("B1"), issuing("B2", exp_func_code="9990101"), atomic=True)
    assert [o.status for o in outcomes] == ["refused", "refused"]
    assert types(keeper) == ["ledger.opened", "command.refused"]
    outcomes = keeper.submit(issuing("B1"), issuing("B2"), atomic=True)
    assert [document_of(o).number for o in outcomes] == ["B1", "B2"]
    outcomes = keeper.submit(
        agreeing("indicator.issue", "B1"),
        agreeing("indicator.issue", "B3"),
        by="checker",
        atomic=True,
    )
    assert [o.status for o in outcomes] == ["refused", "refused"]
    keeper.submit(
        agreeing("indicator.issue", "B1"),
        agreeing("indicator.issue", "B2"),
        by="checker",
        atomic=True,
    )
    assert keeper.figures("B2")["available"] == "1000.00"


# ---- given back


def test_what_was_given_back_is_mended_and_submitted_again(keeper: Bookkeeper) -> None:
    submitted(keeper, "B1")
    back = document_of(keeper.ask(giving_back("indicator.issue", "B1"), "checker"))
    assert (back.state, back.reason, back.awaits) == ("returned", "单位有误", ())
    assert keeper.ask(giving_back("indicator.issue", "B1"), "checker").replayed
    assert keeper.refusal(agreeing("indicator.issue", "B1"), "checker") == "invalid_state"
    told = keeper.ask(issuing("B1"))
    assert (told.replayed, document_of(told).state) == (True, "returned")
    mended = submitted(keeper, "B1", "900.00")
    assert (mended.submitted.submission, mended.state) == (2, "submitted")
    # whoever has looked at the first one does not agree to the second unseen
    seen_first = agreeing("indicator.issue", "B1", "treasury_checker", submission=1)
    assert keeper.refusal(seen_first, "checker") == "invalid_state"
    keeper.do(agreeing("indicator.issue", "B1", "treasury_checker", submission=2), "checker")
    assert keeper.figures("B1")["available"] == "900.00"


def test_its_maker_may_take_it_back_and_others_may_not(keeper: Bookkeeper) -> None:
    submitted(keeper, "B1")
    theirs = giving_back("indicator.issue", "B1", "unit")
    assert keeper.refusal(theirs, "stranger") == "forbidden"
    assert document_of(keeper.ask(theirs, "maker")).state == "returned"


# ---- what has no number


def test_a_policy_has_the_number_of_what_it_asks(keeper: Bookkeeper) -> None:
    asked = SetSignaturePolicy(roles=("unit", "treasury"))
    document = document_of(keeper.ask(asked, "admin"))
    assert len(document.number) == 16
    again = keeper.ask(asked, "admin")
    assert (again.replayed, document_of(again)) == (True, document)
    outcome = keeper.do(agreeing("signature_policy.set", document.number, "admin"), "other")
    assert outcome.brought == asked
    assert types(keeper)[-1] == "ledger.signature_policy_set"
    repeated = keeper.do(agreeing("signature_policy.set", document.number, "admin"), "other")
    assert (repeated.replayed, repeated.commit) == (True, outcome.commit)
    once_more = document_of(keeper.ask(asked, "admin"))  # after others it may be wanted again
    assert (once_more.number, once_more.submitted.submission) == (document.number, 2)


def test_under_its_key_a_policy_is_told_again_for_ever(keeper: Bookkeeper) -> None:
    asked = SetSignaturePolicy(roles=("unit", "treasury"))
    document = document_of(keeper.ask(asked, "admin", idempotency_key="K1"))
    done = keeper.do(agreeing("signature_policy.set", document.number, "admin"), "other")
    told = keeper.do(asked, "admin", idempotency_key="K1")
    assert (told.replayed, told.commit) == (True, done.commit)


# ---- the policy


def test_a_policy_says_of_some_kinds_and_leaves_the_others(keeper: Bookkeeper) -> None:
    keeper.do(SetApprovalPolicy(approval_policy={"indicator.issue": ()}), "admin")
    keeper.issue("B1", "1000.00")
    cut = AdjustIndicator(bgt_id="B1", adj_no="T1", adj_amt="-900.00", reason="追减")
    assert document_of(keeper.ask(cut)).awaits == ("treasury_checker",)
    policy = settings(keeper).get(APPROVAL_POLICY)
    assert policy.roles_for("indicator.issue") == ()
    assert policy.roles_for("indicator.adjust") == ("treasury_checker",)
    assert policy.roles_for("period.close") == ()


def settings(keeper: Bookkeeper) -> LedgerSettings:
    with keeper.pool.connection() as connection:
        head = read_head(connection, keeper.ledger_id)
    assert head is not None
    return head.settings


def test_what_waited_before_the_policy_changed_waits_for_whom_it_did(keeper: Bookkeeper) -> None:
    submitted(keeper, "B1")
    keeper.do(SetApprovalPolicy(approval_policy={"indicator.issue": ()}), "admin")
    assert document_of(keeper.ask(issuing("B1"))).state == "submitted"
    assert keeper.refusal(issuing("B1", "2.00")) == "idempotency_conflict"
    keeper.do(agreeing("indicator.issue", "B1"), "checker")


def test_the_policy_itself_waits_where_it_says_so(pool: ConnectionPool) -> None:
    keeper = Bookkeeper(pool)
    keeper.open(**{"approval_policy.*": ("security_officer",)})
    document = document_of(
        keeper.ask(SetApprovalPolicy(approval_policy={"approval_policy.set": ()}))
    )
    kind = "approval_policy.set"
    keeper.do(agreeing(kind, document.number, "security_officer"), "officer")
    keeper.do(SetApprovalPolicy(approval_policy={"period.close": ("accountant_checker",)}))
    closing = ClosePeriod(through="2026-01-31")
    assert document_of(keeper.ask(closing)).number == "2026-01-31"
    keeper.close()


def test_all_kinds_of_something_are_said_at_once_and_one_of_them_apart() -> None:
    policy = ApprovalPolicy({"transfer.*": ("a",), "transfer.issue": ("b",)})
    assert policy.roles_for("transfer.issue") == ("b",)
    assert policy.roles_for("transfer.reduce") == ("a",)
    assert policy.roles_for("transfers.issue") == ()
    assert after(policy.roles, {"*": (), "period.close": ("c",)}) == {
        "*": (),
        "period.close": ("c",),
    }
    assert after(policy.roles, {"transfer.*": ()}) == {"transfer.*": ()}
    assert after(policy.roles, {"transfer.issue": ()})["transfer.*"] == ("a",)


@pytest.mark.parametrize(
    "policy",
    [
        {"indicator.freeze": ("treasury_checker",)},
        {"payment.apply": ()},
        {"indicator.issue": ("auditor",)},
        {"indicator.issue": ("unit_checker", "unit_checker")},
        {"": ()},
        {"nothing.*": ()},
    ],
)
def test_a_policy_of_what_there_is_not_is_refused(policy: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(RequestError):
        check_policy(policy)
    check_policy({"indicator.*": (), **default_policy()})


def test_a_ledger_that_says_nothing_has_the_default_policy(pool: ConnectionPool) -> None:
    keeper = Bookkeeper(pool)
    keeper.do(OpenLedger(mof_div_code="440000000", fiscal_year=2026, name="省本级"), "admin")
    opened = keeper.events()[0][2]
    assert opened.approval_policy == default_policy()
    assert document_of(keeper.ask(issuing("B1"))).awaits == ("treasury_checker",)
    policy = SetSignaturePolicy(roles=("treasury",))
    assert document_of(keeper.ask(policy, "admin")).awaits == ("security_officer",)
    closing = ClosePeriod(through="2026-01-31")
    assert document_of(keeper.ask(closing)).awaits == ("accountant_checker",)
    keeper.close()


def test_a_ledger_of_before_has_no_policy() -> None:
    opened = decode(
        "ledger.opened",
        b'{"mof_div_code":"440000000","mof_div_name":"","fiscal_year":2026,"name":"","by":""}',
    )
    assert LedgerSettings().after(opened).get(APPROVAL_POLICY).roles_for("indicator.issue") == ()


def test_persons_are_compared_without_regard_to_case() -> None:
    assert same_person("Both", "both")
    assert same_person("张三", "张三")
    assert not same_person("both", "both2")


def test_a_document_is_stored_as_it_was_asked(keeper: Bookkeeper) -> None:
    submitted(keeper, "B1")
    [(payload,)] = keeper.sql(
        "SELECT payload FROM events WHERE ledger_id = %s AND type = 'document.submitted'"
    )
    event = decode("document.submitted", payload)
    assert isinstance(event, DocumentSubmitted)
    assert encode(event) == payload
    assert event.body == {"bgt_id": "B1", "amount": "1000.00", **ELEMENTS}


def test_an_audit_finds_the_numbers_of_documents_and_of_what_they_brought(
    keeper: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    keeper.ask(issuing("B1"), idempotency_key="K1")
    keeper.ask(giving_back("indicator.issue", "B1"), "checker", idempotency_key="K2")
    keeper.ask(issuing("B1", "900.00"), idempotency_key="K3")
    keeper.do(agreeing("indicator.issue", "B1"), "checker", idempotency_key="K4")
    policy = document_of(keeper.ask(SetSignaturePolicy(roles=("unit",)), idempotency_key="K5"))
    keeper.do(agreeing("signature_policy.set", policy.number, "admin"), "admin")
    report = verify_ledger(
        database.app_conninfo,
        load_charts(),
        default_provider(),
        keeper.ledger_id,
        Options(folder=tmp_path),
    )
    assert report.findings == []
    # three submissions, each with a key; an agreement's and a return's key; what was brought: a
    # number with its key, and a key without a number; the opening
    assert report.counts["key"] == 6 + 2 + 2 + 1 + 1

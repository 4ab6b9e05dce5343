"""审批: what other persons must agree to, over the real write path."""

from psycopg_pool import ConnectionPool

from budget.indicator import Indicator
from budget.indicators import AdjustIndicator, ReallocateIndicator
from ledger.deciding.command import Submission
from payments.application import WithdrawPayment
from payments.signature_policy import SetSignaturePolicy
from tests.support.approved_documents import (
    TWO,
    agreeing,
    document_of,
    giving_back,
    issuing,
    submitted,
    types,
)
from tests.support.approved_documents import keeper as keeper
from tests.support.bookkeeper import Bookkeeper
from tests.support.waiting import HANG_S

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
    outcomes = keeper.sequencer.submit(keeper.ledger_id, submissions).result(HANG_S)
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

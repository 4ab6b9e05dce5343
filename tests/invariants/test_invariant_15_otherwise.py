"""Invariant 15: a decision that stands otherwise than it would be taken is found.

With digests and chain made to fit, as somebody would rather have it; or as a program would have
decided it that keeps to other rules.
"""

from pathlib import Path

import msgspec
import psycopg
import pytest
from psycopg_pool import ConnectionPool

from api.verification import Task, verify_all
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding import documents
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.principals import OPERATOR
from ledger.deciding.settings import decoded
from ledger.deciding.state import Decision, LedgerState
from ledger.postgres.database import Database, connect
from ledger.reading import loading
from ledger.writing.conditions import Conditions
from payments import signature_policy
from payments.application import ApprovePayment
from payments.events import PaymentApproved
from payments.verification.run import Options
from projections.core.runner import Runner
from tests.division.test_banks import KnowingBookkeeper, appointed
from tests.support.audited_books import Audited
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.redeciding import DECISION, found, taken_again
from tests.support.tampering import Tampering, rewritten

# ---- as somebody would have it

MADE_TO_FIT: dict[str, tuple[Tampering, str]] = {
    "what is left of an indicator": (
        rewritten("payment.applied", 1, b'"canuse_amt":"', b'"canuse_amt":"9'),
        "figures.canuse_amt",
    ),
    "the number of a voucher": (
        rewritten("payment.approved", 1, b'"pay_cert_no":"44', b'"pay_cert_no":"45'),
        "pay_cert_no",
    ),
    "fewer to sign": (
        rewritten("payment.approved", 1, b'"roles":["treasury"]', b'"roles":["unit"]'),
        "roles",
    ),
    "another bank to pay": (
        rewritten("payment.approved", 1, b'"pay_bank_code":"102"', b'"pay_bank_code":"103"'),
        "pay_bank_code",
    ),
    "the name of a function": (
        rewritten("indicator.issued", 0, b'"exp_func_name":"', b'"exp_func_name":"x'),
        "exp_func_name",
    ),
    "an expense that is another": (
        rewritten("journal.posted", 11, b'["D3",-1', b'["D2",-1'),
        "lines",
    ),
}


@pytest.mark.parametrize(("tampering", "field"), MADE_TO_FIT.values(), ids=MADE_TO_FIT.keys())
def test_what_is_made_to_fit_is_not_what_was_decided(
    audited: Audited, copied: Database, tampering: Tampering, field: str
) -> None:
    with psycopg.connect(copied.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        position = tampering(connection, audited.ledger_id)
    (at, detail), *_ = found(taken_again(copied.app_conninfo, audited.ledger_id))
    assert at == position
    assert f"{field} is" in detail


def test_a_row_that_cannot_be_read_ends_nothing(audited: Audited, copied: Database) -> None:
    with psycopg.connect(copied.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        first = rewritten("payment.applied", 0, b'"pay_amt":', b'"pay_tma":')
        broken = first(connection, audited.ledger_id)
        second = rewritten("payment.approved", 3, b'"vou_date":"2026', b'"vou_date":"2025')
        behind = second(connection, audited.ledger_id)
    told = dict(found(taken_again(copied.app_conninfo, audited.ledger_id)))
    assert "it cannot be taken again" in told[broken]
    assert "vou_date" in told[behind]


# ---- as another program would have decided it


def test_a_policy_changed_in_the_heads_row_is_told_where_it_was_obeyed(
    bookkeeper: Bookkeeper,
    pool: ConnectionPool,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two signatures were wanted; the row of the head says one, and a program as it was once, which
    did not hold the row against its events, believed it."""
    monkeypatch.setattr(loading, "settings_at", lambda _c, _state, _at, row: decoded(row))
    bookkeeper.issue("B1", "100.00")
    bookkeeper.policy("unit", "treasury")
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute(
            "UPDATE ledgers SET settings = jsonb_set(settings, '{signature_policy,roles}',"
            " '[\"treasury\"]') WHERE ledger_id = %s",
            (bookkeeper.ledger_id,),
        )
    deceived = Bookkeeper(pool)
    deceived.apply("P1", "B1", "10.00")
    approved_at = deceived.do(ApprovePayment(pay_app_no="P1"), "checker").first_position
    deceived.sign("P1")
    deceived.close()
    again = taken_again(database.app_conninfo, bookkeeper.ledger_id)
    (at, detail), *_ = found(again)
    assert at == approved_at
    assert "roles is ('treasury',), taken again it is ('unit', 'treasury')" in detail


def test_a_bank_that_was_never_appointed_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = KnowingBookkeeper(database)
    keeper.open()
    with connect(database.app_conninfo) as connection:
        record(
            connection,
            standing_ledger(""),
            [appointed("102")],
            Conditions(keeper.clock),
            by=OPERATOR,
        )
    with monkeypatch.context() as other:
        other.setattr(signature_policy, "require_appointed", lambda *_: None)
        outcome = keeper.policy("treasury", pay_bank_code="999")
    keeper.close()
    keeper.pool.close()
    [(at, detail)] = found(taken_again(database.app_conninfo, keeper.ledger_id))
    assert at == outcome.first_position
    assert "refused, bank_not_appointed" in detail


def test_an_act_that_others_had_to_agree_to_is_told(
    bookkeeper: Bookkeeper, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"indicator.issue": ("treasury_checker",)}
    bookkeeper.do(SetApprovalPolicy(approval_policy=wanted), "admin")
    with monkeypatch.context() as other:
        other.setattr(documents, "awaited", lambda *_: ())
        outcome = bookkeeper.issue("B1", "1.00")
    [(at, detail)] = found(taken_again(database.app_conninfo, bookkeeper.ledger_id))
    assert at == outcome.first_position
    assert "stands indicator.issued, taken again it is document.submitted" in detail


def test_a_check_that_decides_otherwise_says_so_of_every_one(
    audited: Audited, copied: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canary: where rules are others than those of the history, each decision is told."""
    decide = ApprovePayment.decide

    def otherwise(self: ApprovePayment, state: LedgerState, by: str) -> Decision:
        decision = decide(self, state, by)
        [(kind, number, approved)] = decision.events
        assert isinstance(approved, PaymentApproved)
        decision.events = [(kind, number, msgspec.structs.replace(approved, by="another"))]
        return decision

    monkeypatch.setattr(ApprovePayment, "decide", otherwise)
    again = taken_again(copied.app_conninfo, audited.ledger_id)
    with psycopg.connect(copied.owner_conninfo) as connection:
        approvals = connection.execute(
            "SELECT position FROM events WHERE ledger_id = %s AND type = 'payment.approved'"
            " ORDER BY 1",
            (audited.ledger_id,),
        ).fetchall()
    assert again.wrong[DECISION] == len(approvals)
    assert [at for at, _ in found(again)] == [at for (at,) in approvals]


# ---- in the whole of a verification


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_verification_takes_decisions_again(
    audited: Audited, copied: Database, tmp_path: Path, jobs: int
) -> None:
    task = Task(
        conninfo=copied.app_conninfo,
        charts=(),
        ledger_id=audited.ledger_id,
        options=Options(folder=tmp_path),
    )
    with fresh_pool(copied.app_conninfo) as pool:
        Runner(pool).catch_up()
    stages: set[str] = set()
    progress = lambda _ledger, stage, _done, _aim: stages.add(stage)  # noqa: E731
    [report] = verify_all([task], progress, jobs)
    assert report.findings == []
    assert report.counts[DECISION] > 50
    assert DECISION in stages

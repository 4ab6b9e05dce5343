"""审批: what nobody else agreed to, or what is not what they agreed to, is found by the audit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from budget.indicators import AdjustIndicator
from budget.issuing import IssueIndicator
from ledger.books import load_charts
from ledger.deciding.approvals import SetApprovalPolicy, approvable
from ledger.deciding.documents import ApproveDocument, ReturnDocument
from ledger.events import types_that
from ledger.gm import default_provider
from ledger.postgres.database import Database
from payments.signature_policy import SetSignaturePolicy
from payments.verification.run import Options, VerificationReport, verify_ledger
from tests.support.bookkeeper import ELEMENTS, Bookkeeper
from verifier import guoku_verify

TWO = ("unit_checker", "treasury_checker")


@pytest.fixture
def keeper(pool: ConnectionPool) -> Iterator[Bookkeeper]:
    """A ledger with acts that others agreed to, and one of a time when nobody had to."""
    b = Bookkeeper(pool)
    b.open()
    b.issue("B0", "5.00")
    policy = {"indicator.*": TWO, "signature_policy.set": ("security_officer",)}
    b.do(SetApprovalPolicy(approval_policy=policy), "admin")
    for number in ("B1", "B2", "B3"):
        b.do(IssueIndicator(bgt_id=number, amount="100.00", **ELEMENTS))
    back = ReturnDocument(
        document_kind="indicator.issue", document_no="B2", roles=TWO, reason="金额有误"
    )
    b.do(back, "first")
    b.do(IssueIndicator(bgt_id="B2", amount="90.00", **ELEMENTS))
    for number in ("B1", "B2"):
        agree(b, "indicator.issue", number)
    b.do(AdjustIndicator(bgt_id="B1", adj_no="T1", adj_amt="-1.00", reason="追减"))
    agree(b, "indicator.adjust", "T1")
    signed_by = b.do(SetSignaturePolicy(roles=("unit", "treasury")), "admin").subjects[0]
    agree(b, "signature_policy.set", signed_by.number, "security_officer")
    yield b
    b.close()


def agree(b: Bookkeeper, kind: str, number: str, *roles: str) -> None:
    for role, by in zip(roles or TWO, ("first", "second"), strict=False):
        b.do(ApproveDocument(document_kind=kind, document_no=number, roles=(role,)), by)


def verified(b: Bookkeeper, database: Database, folder: Path) -> VerificationReport:
    return verify_ledger(
        database.app_conninfo,
        load_charts(),
        default_provider(),
        b.ledger_id,
        Options(folder=folder),
    )


def test_a_sound_history_is_found_sound(
    keeper: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    report = verified(keeper, database, tmp_path)
    assert report.findings == []
    # five submissions of indicators and one of a policy, and the four acts that came of them
    assert report.counts["approval"] == 6 + 4


class Tampered(NamedTuple):
    """What somebody writes over, and what is told of it at which event."""

    type: str
    old: str
    new: str
    told: str
    at: int | None = 0  # so many events behind the one that was written over


TAMPERED = {
    "the maker agrees himself": Tampered(
        "document.approved", '"by":"first"', '"by":"MAKER"', "制单审核同一人"
    ),
    "one person agrees twice": Tampered(
        "document.approved", '"by":"second"', '"by":"First"', "同一人重复审批"
    ),
    "another role agrees": Tampered(
        "document.approved", '"unit_checker"', '"treasury_checker"', "审批顺序有误"
    ),
    "one role is enough": Tampered(
        "document.submitted",
        '["unit_checker","treasury_checker"]',
        '["unit_checker"]',
        "审批角色不符",
    ),
    "another amount was asked for": Tampered(
        "document.submitted", '"amount":"100.00"', '"amount":"10.00"', "与单据不符", None
    ),
    "another amount took effect": Tampered(
        "indicator.issued", '"amount":"100.00"', '"amount":"900.00"', "与单据不符"
    ),
    "the policy wanted others before": Tampered(
        "ledger.opened", '"*":[]', '"*":["unit_checker"]', "未经审批", 1
    ),
}


@pytest.mark.parametrize("tampered", TAMPERED.values(), ids=TAMPERED)
def test_whoever_rewrites_it_is_found_out(
    keeper: Bookkeeper, database: Database, tmp_path: Path, tampered: Tampered
) -> None:
    """The digests say so as well; here is told what is wrong with the approvals themselves."""
    events = keeper.sql(
        "SELECT position, payload FROM events WHERE ledger_id = %s AND type = %s ORDER BY position",
        tampered.type,
    )
    position, payload = next(
        (position, payload) for position, payload in events if tampered.old in payload.decode()
    )
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE events SET payload = %s WHERE ledger_id = %s AND position = %s",
            (
                payload.decode().replace(tampered.old, tampered.new, 1).encode(),
                keeper.ledger_id,
                position,
            ),
        )
    report = verified(keeper, database, tmp_path)
    told = [f for f in report.findings if f.check == "approval"]
    assert tampered.told in told[0].detail
    assert tampered.at is None or told[0].position == position + tampered.at
    offline = [(f.position, f.what) for f in told_offline(keeper)]
    assert tampered.told in offline[0][1]
    assert offline[0][0] == told[0].position


def told_offline(b: Bookkeeper) -> list[Any]:
    """What the offline verifier says of the same rows."""
    report = guoku_verify.Report()
    check = guoku_verify.Approvals(report)
    for position, name, payload in b.sql(
        "SELECT position, type, payload FROM events WHERE ledger_id = %s ORDER BY position"
    ):
        body = json.loads(payload)
        check.take(guoku_verify.Event(position, b"", 1, name, 0, 0, payload, b"", name, body))
    check.conclude()
    if not report.findings():
        assert report.counts["approval"] == 6 + 4
    return report.findings()


def test_the_offline_verifier_finds_the_same_sound(keeper: Bookkeeper) -> None:
    assert told_offline(keeper) == []


def test_the_offline_verifier_knows_every_act_that_may_want_others() -> None:
    """It is told by hand, and here held to what the program says of itself."""
    acts = {
        cls.TYPE: cls.TRAITS.asked_by
        for cls in types_that(lambda traits: approvable(traits.asked_by) is not None)
    }
    assert acts == guoku_verify.ACTS


def test_it_goes_on_where_it_was(keeper: Bookkeeper, database: Database, tmp_path: Path) -> None:
    """An auditor with a memory of his own: what waited then is known when others agree to it."""
    options = Options(folder=tmp_path, memory=tmp_path)
    arguments = (database.app_conninfo, load_charts(), default_provider(), keeper.ledger_id)
    assert verify_ledger(*arguments, options).findings == []
    agree(keeper, "indicator.issue", "B3")
    again = verify_ledger(*arguments, options)
    assert (again.findings, again.counts["approval"]) == ([], 1)

"""审批策略: whom it names, since when, and what an audit finds of documents."""

from pathlib import Path

import pytest
from psycopg_pool import ConnectionPool

from budget.indicators import AdjustIndicator
from budget.issuing import IssueIndicator
from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.closing import ClosePeriod
from ledger.deciding import command, opening
from ledger.deciding.approvals import (
    APPROVAL_POLICY,
    ApprovalPolicy,
    SetApprovalPolicy,
    after,
    approvable,
    check_policy,
    default_policies,
    default_policy,
    read_policy,
    same_person,
)
from ledger.deciding.approvals import (
    agreeing as agreeing_to,
)
from ledger.deciding.command import command_named, commands
from ledger.deciding.opening import OpenLedger
from ledger.deciding.settings import LedgerSettings
from ledger.errors import ConfigurationError, RequestError
from ledger.events import DocumentSubmitted, LedgerOpened, Policy, decode, encode
from ledger.gm import default_provider
from ledger.postgres.database import Database
from ledger.reading.objects import read_head
from payments.signature_policy import SetSignaturePolicy
from payments.verification.run import Options, verify_ledger
from tests.support.approved_documents import agreeing, document_of, giving_back, issuing, submitted
from tests.support.approved_documents import keeper as keeper
from tests.support.bookkeeper import ELEMENTS, Bookkeeper
from tests.support.redeciding import found, taken_again

LEDGER_ID = ledger_id("440000000", 2026)

# ---- kinds of documents


def test_the_command_of_a_kind_is_not_looked_for_among_all_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each document asks for its command several times; all classes were walked each time, which
    was half of what registering and agreeing to a unit cost."""
    assert approvable("indicator.issue") is IssueIndicator
    assert approvable("payment.apply") is None
    assert approvable("no.such_kind") is None
    with monkeypatch.context() as walking:
        walking.setattr(command, "commands", dict)
        assert approvable("indicator.issue") is IssueIndicator
    assert {name: command_named(name) for name in commands()} == commands()


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


# of what releases before called otherwise, and ledgers that were opened then still name
KEPT = {"right.*", "rights.*", "code_set.*"}
ALONE = {"token.end", "webhook.end", "budget.approve"}  # ended at once; agreed by the congress


def test_the_default_policy_misspells_no_kind() -> None:
    """Or one person alone would do what two shall."""
    kinds = {kind for kind, command in commands().items() if command.APPROVABLE}
    default = default_policy()
    of_nothing = {
        said
        for said in default
        if not any(k.startswith(said[:-1]) if said.endswith("*") else k == said for k in kinds)
    }
    assert of_nothing == KEPT
    assert {kind for kind in kinds if not agreeing_to(ApprovalPolicy(default), kind)} == ALONE


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('"indicator.issue" = ["treasury_cheker"]', "'treasury_cheker' is no role that may agree"),
        ('"indicator.issue" = ["unit", "unit"]', "indicator.issue: unit stands twice"),
        ('"indicator.issue" = "treasury_checker"', "indicator.issue has no list of roles"),
        ('"indicator.issue" = [1]', "1 is no role that may agree"),
        ("indicator.issue = []", "'indicator' is no kind of document"),
        ('"indicator issue" = []', "'indicator issue' is no kind of document"),
        ('"plan.set" = []', "Cannot overwrite a value"),
        ('"indicator.issue" = [', "Invalid value"),
    ],
)
def test_a_policy_file_that_cannot_be_kept_is_refused_with_its_line(line: str, said: str) -> None:
    """With a role misspelt every ledger would have opened with acts that wait for ever."""
    with pytest.raises(ConfigurationError) as refused:
        read_policy(f'# 审批\n"plan.set" = []\n{line}', "own.toml")
    assert refused.value.detail.startswith("own.toml:3: ")
    assert said in refused.value.detail


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


def test_what_was_added_to_the_default_is_known_step_by_step() -> None:
    """Whoever adds a line to default.toml adds a step to added.toml, or every ledger that is open
    has an opening that nobody can take again."""
    first = default_policies()[-1]
    assert len(first) == 36
    assert {"indicator.issue", "code_set.*", "year_end.*"} <= first.keys()
    sizes = [len(policy) for policy in default_policies()]
    assert sizes == sorted(set(sizes), reverse=True), "each step takes away what is there"


@pytest.mark.parametrize("default", [1, len(default_policies()) - 1])
def test_a_ledger_opened_by_an_earlier_default_is_decided_as_it_was(
    pool: ConnectionPool, database: Database, monkeypatch: pytest.MonkeyPatch, default: int
) -> None:
    """A release that added a line made `audit verify` fail at position 1 of all older ledgers."""
    with monkeypatch.context() as then:
        then.setattr(OpenLedger, "DEFAULT", default)
        policy = policy_opened_with(pool)
    assert policy == default_policies()[default]
    assert found(taken_again(database.app_conninfo, LEDGER_ID)) == []


def test_a_ledger_opened_by_no_default_is_found(
    pool: ConnectionPool, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    weaker = {kind: r for kind, r in default_policy().items() if kind != "indicator.issue"}
    with monkeypatch.context() as then:
        then.setattr(opening, "default_policies", lambda: (weaker,))
        assert policy_opened_with(pool) == weaker
    [(position, _)] = found(taken_again(database.app_conninfo, LEDGER_ID))
    assert position == 1


def policy_opened_with(pool: ConnectionPool) -> Policy:
    keeper = Bookkeeper(pool)
    keeper.do(OpenLedger(mof_div_code="440000000", fiscal_year=2026, name="省本级"), "admin")
    opened: LedgerOpened = keeper.events()[0][2]
    keeper.close()
    return opened.approval_policy


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

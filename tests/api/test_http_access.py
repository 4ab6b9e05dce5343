"""Who may do what: every operation asks who it is, and whether he may."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import pytest

from api.access import Right
from api.http.routes import Operation
from division.roles import ROLES
from tests.support.http_server import OPERATIONS, HttpTreasury, http, method_of
from tests.support.http_server import ROLES as PERSONS
from tests.support.sound_requests import BUDGETS, INDICATORS, PROJECTS, ask

PREPARING = {"maker", "admin"}  # of budgets: every act on an indicator
AGREEING = set(PERSONS) - {"auditor", "ops", "bank"}  # a policy may name any of them
GUARDED = [operation for operation in OPERATIONS if operation.right is not Right.PUBLIC]
# the operations that only some roles may do, as the contract names the roles
MAY: dict[str, set[str]] = {
    "session.end": set(PERSONS) - {"bank"},
    **{f"webhook.{act}": {"admin", "ops"} for act in ("register", "end", "replay")},
    "ledger.open": {"admin", "maker", "ops"},
    "signature_policy.set": {"admin"},
    "approval_policy.set": {"admin"},
    "plan_policy.set": {"admin"},
    "period.close": {"accountant", "admin"},
    "period.reopen": {"accountant", "admin"},
    "year_end.carry_over": {"accountant", "admin"},
    "year_end.close": {"accountant", "admin"},
    "carry_over_policy.set": {"admin"},
    "document.approve": AGREEING,
    "document.return": AGREEING,
    "document.approve.batch": AGREEING,
    **{
        str(operation.operation_id): PREPARING
        for operation in OPERATIONS
        if operation.path.startswith(INDICATORS) and method_of(operation) != "GET"
    },
    "payment.apply": {"unit", "maker"},
    "payment.apply.batch": {"unit", "maker"},
    "payment.withdraw": {"unit", "maker"},
    "payment.void": {"unit", "maker"},
    "payment.recall": {"unit", "maker"},
    "payment.refund": {"unit", "maker"},
    "payment.refund.batch": {"unit", "maker"},
    "correction.apply": {"accountant"},
    "correction.tell": {"accountant"},
    "payment.approve": {"checker"},
    "payment.release": {"checker"},
    "payment.approve.batch": {"checker"},
    "payment.reject": {"checker"},
    "voucher.sign.batch": {"unit", "first", "second", "signer"},
    "voucher.sign.prepare": {"unit", "first", "second", "signer"},
    "voucher.sign.submit": {"unit", "first", "second", "signer"},
    "clearing.request": {"maker", "checker", "signer", "ops"},
    "clearing.request.batch": {"maker", "checker", "signer", "ops"},
    "clearing.return_claim": {"maker", "checker", "signer", "ops"},
    "disbursement.open": {"unit", "maker"},
    "disbursement.load": {"unit", "maker"},
    "disbursement.approve": {"checker"},
    "disbursement.execute": {"unit", "first", "second", "signer"},
    "disbursement.stop": {"unit", "first", "second", "signer", "checker"},
    "disbursement.close": {"unit", "maker"},
    "bank.receipts": {"bank"},
    "collection.receive": {"admin", "ops"},
    **{
        str(operation.operation_id): {"admin"}
        for operation in OPERATIONS
        if operation.path.startswith("/v1/divisions") and method_of(operation) != "GET"
    },
    **{
        str(operation.operation_id): {"unit", "maker"}
        for operation in OPERATIONS
        if operation.path.startswith(PROJECTS) and method_of(operation) != "GET"
    },
    "project.check": {"unit_checker"},  # at the department's level
    "project.check.batch": {"unit_checker"},
    "project.return": {"unit_checker", "checker"},
    "project.store": {"checker"},
    "project.store.batch": {"checker"},
    **{
        str(operation.operation_id): PREPARING
        for operation in OPERATIONS
        if operation.path.startswith(BUDGETS) and method_of(operation) != "GET"
    },
    "budget_draft.enter": {"unit", "maker"},
    "budget_draft.enter.batch": {"unit", "maker"},
    "budget_draft.upload": {"unit", "maker"},
    "budget_draft.submit": {"unit", "maker"},
    "budget_draft.submit.batch": {"unit", "maker"},
    "budget_draft.check": {"unit_checker", "checker"},
    "budget_draft.check.batch": {"unit_checker", "checker"},
    "budget_draft.return": {"unit_checker", "checker"},
    "division.document.approve": AGREEING,
    "division.document.return": AGREEING,
    "division.document.approve.batch": AGREEING,
    "suspense.resolve": {"maker"},
    **{
        act: {"unit", "maker"}
        for act in (
            "purchase_plan.register",
            "purchase_plan.adjust",
            "contract.register",
            "contract.amend",
            "contract.end",
        )
    },
    "transfer.issue": {"maker"},
    "transfer.accept": {"maker"},
    "transfer.give_back": {"maker"},
    "transfer.reduce": {"maker"},
    "transfer.dispatch": {"maker"},
    "transfer.settle": {"maker"},
    "opening.load": {"accountant"},
    "income.load": {"accountant"},
    "correction.income": {"accountant"},
    "special_income.load": {"accountant"},
    "correction.special_income": {"accountant"},
    "correction.balance": {"accountant"},
    "reconciliation.compare": {"accountant"},
    "reconciliation.confirm": {"accountant"},
    "reconciliation_policy.set": {"admin"},
    "clearing_policy.set": {"admin"},
    "voucher.enter": {"accountant"},
    "voucher.reverse": {"accountant"},
    "advance.pay": {"accountant"},
    "advance.to_expense": {"accountant"},
    "advance.recover": {"accountant"},
    "advance.reverse": {"accountant"},
    "advance_policy.set": {"admin"},
    "cash_policy.set": {"admin"},
    "wage.accrue": {"accountant"},
    "wage_run.load": {"maker"},
    **{f"subsidy_list.{act}": {"maker"} for act in ("load", "upload", "disburse")},
    "wage_run.upload": {"maker"},
    "wage_run.disburse": {"maker"},
    "wage.withhold": {"accountant"},
    "allocation.order": {"accountant"},
    "debt_limit.set": {"maker", "admin"},
    "bond.register": {"maker", "admin"},
    "bond.issue": {"accountant"},
    "bond.accrue": {"accountant"},
    "placement.order": {"accountant"},
    "income.refund": {"accountant"},
    "correction.income_codes": {"accountant"},
}


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.operation_id)
def test_every_operation_asks_who_and_whether(http: HttpTreasury, operation: Operation) -> None:
    reads = method_of(operation) == "GET"
    allowed = set(PERSONS) - {"bank"} if reads else MAY[str(operation.operation_id)]
    if operation.operation_id == "health.metrics":
        allowed = {"ops", "admin", "auditor"}
    answer = ask(http, operation, "")
    assert answer.json()["code"] == "unauthenticated"
    for person in PERSONS:
        answer = ask(http, operation, person)
        forbidden = not answer.is_success and answer.json().get("code") == "forbidden"
        assert forbidden == (person not in allowed), (person, answer.status_code)


def test_every_route_has_a_right_and_public_ones_are_few() -> None:
    public = {operation.path for operation in OPERATIONS if operation.right is Right.PUBLIC}
    assert public == {
        "/healthz",
        "/readyz",
        "/v1/certificates/{serial}",
        "/v1/sessions",
        "/v1/sessions/nonce",
        "/v1/transfers/messages",  # its signature says whose it is
    }
    assert {o.operation_id for o in GUARDED if method_of(o) != "GET"} == MAY.keys()
    assert frozenset().union(*(right.roles for right in Right)) == set(ROLES)
    names = [operation.operation_id for operation in OPERATIONS]
    assert len(set(names)) == len(names)

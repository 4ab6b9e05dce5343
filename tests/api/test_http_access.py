"""Who may do what: every operation asks who it is, and whether he may."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import pytest

from api.access import Right
from api.http import authentication, denials
from api.http.routes import Operation
from api.tokens import create_token, find_caller
from division.credentials import end_tokens_of
from division.roles import ROLES
from ledger.errors import RequestError
from tests.api.test_http_base_data import ACCOUNT, PAYEE, PEOPLE, STANDARD
from tests.support.at_machine import FREELY
from tests.support.commands_on_file import KEPT, TODAY, Line
from tests.support.http_server import OPERATIONS, HttpTreasury, http, method_of
from tests.support.http_server import ROLES as PERSONS
from tests.support.waiting import wait_until

INDICATORS = "/v1/ledgers/{ledger}/indicators"
PROJECTS = "/v1/divisions/{mof_div_code}/projects"
BUDGETS = tuple(
    f"/v1/ledgers/{{ledger}}/{of}"
    for of in ("ceilings", "budget-", "income-budgets", "advance-limits")
)
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
PUBLIC_KEY = (  # the base point of the curve is on it
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)
SOUND: dict[str, Any] = {
    "ledger.open": {"mof_div_code": "440000000", "fiscal_year": 2026, "name": "省本级"},
    "signature_policy.set": {"roles": ["treasury"]},
    "approval_policy.set": {"period.close": []},
    "plan_policy.set": {"plan_control": "monthly"},
    "period.close": {"through": "2020-01-31"},
    "period.reopen": {"from": "2020-01", "reason": "x"},
    "year_end.carry_over": {
        "carry_no": "none",
        "items": [{"bgt_id": "none", "take_back_amt": "1.00"}],
    },
    "document.return": {"reason": "x"},
    "document.approve.batch": {"documents": [{"kind": "period.close", "number": "none"}]},
    "payment.approve.batch": {"pay_app_nos": ["x"]},
    "payment.reject": {"reason": "x"},
    "payment.release": {"reason": "x"},
    "monitor_rules.set": {"fiscal_year": 2026, "rules": []},
    "payment.void": {"reason": "x"},
    "payment.recall": {"reason": "x"},
    "payment.refund": {"refund_no": "R", "refund_amt": "1.00", "reason": "x"},
    "payment.refund.batch": {
        "pay_app_no": "none",
        "refund_no": "R",
        "refund_amt": "1.00",
        "reason": "x",
    },
    "correction.apply": {
        "cor_no": "G",
        "pay_app_no": "none",
        "to_bgt_id": "none",
        "amt": "1.00",
        "reason": "x",
    },
    "correction.tell": {"tell_no": "G-A"},
    "suspense.resolve": {"pay_app_no": "none"},
    "clearing.request": {"clear_no": "C", "clear_date": "2026-01-01", "pay_bank_code": "102"},
    "clearing.request.batch": {"clear_no": "C", "clear_date": "2026-01-01", "pay_bank_code": "102"},
    "disbursement.open": {"run_no": "none", "bgt_id": "none", "title": "x"},
    "disbursement.approve": {"lines_sm3": "x"},
    "division.open": {"mof_div_code": "440000000", "name": "广东省", "tier_code": "2"},
    "person.register": {"principal": "none", "roles": ["ops"]},
    "person.set_rights": {"roles": ["ops"]},
    "token.issue": {"token_sm3": "a" * 64, "roles": ["ops"]},
}
SOUND |= {
    f"division.{each}": SOUND[each]
    for each in ("approval_policy.set", "document.return", "document.approve.batch")
}
OFFICIAL_CARD = {
    "card_no": "6282880000000000018",
    "agency_code": "101001",
    "holder_name": "x",
    "card_bank_name": "x",
}
AGENCY = {"agency_code": "101001", "agency_name": "样例学校", "agency_type_code": "3"}
CHANNEL = {"url": "http://127.0.0.1:1", "cert_serial": "b" * 32, "start_date": "2026-03-02"}
SOUND |= {
    "bank.appoint": {"pay_bank_code": "199", "name": "银行", **CHANNEL},
    "bank.change": {"start_date": "2026-03-02"},
    "bank.end": {"end_date": "2026-03-02"},
    "agency.register": AGENCY,
    "agency.register.batch": AGENCY,
    "agency.change": {"end_date": "2026-03-02"},
    **{
        f"{each}.change": {"end_date": "2026-03-02"}
        for each in ("account", "payee", "card", "standard", "staff")
    },
    "account.register": ACCOUNT,
    "account.register.batch": ACCOUNT,
    "payee.register": PAYEE,
    "payee.register.batch": PAYEE,
    "card.register": OFFICIAL_CARD,
    "card.register.batch": OFFICIAL_CARD,
    "standard.register": STANDARD,
    "standard.register.batch": STANDARD,
    "staff.register": PEOPLE,
    "staff.register.batch": PEOPLE,
    "calendar.set": {"days": [{"date": "2026-10-01", "is_workday": False}]},
    "certificate.register": {
        "principal": "none",
        "public_key": PUBLIC_KEY,
        "valid_from": "2026-03-02",
        "valid_until": "2027-03-01",
    },
}
SOUND["opening.load"] = {
    "book": "treasury_financial",
    "rows": [{"acct_cls_id": "B0", "dr_cr": 1, "amt": "1.00"}],
}
SOUND["income.load"] = {
    "report_no": "none",
    "report_date": "2026-01-15",
    "tre_code": "4400000000",
    "lines": [{"inc_sort_code": "999", "fund_type_code": "111", "amt": "1.00"}],
}
SOUND["voucher.enter"] = {
    "voucher_no": "none",
    "agency_code": "101001",
    "acct_period": "2026-01",
    "voucher_abs": "x",
    "lines": [{"acct_cls_id": "D0", "dr_cr": 1, "amt": "1.00"}],
}
SOUND["installation.register"] = {
    "division": "4401",
    "name": "市级系统",
    "url": "https://city.example",
}
SOUND["installation.change"] = {"change_no": "none", "name": "x", "url": "https://city.example"}
SOUND["installation.end"] = {"change_no": "none"}
SOUND["webhook.register"] = {"url": "https://receiver.example/in", "types": ["*"]}
SOUND["webhook.replay"] = {"ledger": "440000000-2026", "from_position": 1}
SOUND["voucher.reverse"] = {"reason": "x"}
SOUND["voucher.sign.submit"] = {"items": [{"pay_app_no": "x", "signature": ""}]}
SOUND["correction.balance"] = {"reason": "x"}
SOUND["reconciliation.compare"] = {"compare_no": "none"}
SOUND["reconciliation.confirm"] = {"reason": "x"}
SOUND["reconciliation_policy.set"] = {"required": []}
SOUND["clearing_policy.set"] = {"claimed_by": "treasury"}
SOUND["clearing.return_claim"] = {"reason": "x"}
SOUND["special_income.load"] = {
    "report_no": "none",
    "report_date": "2026-01-15",
    "acct_no": "4400100000003101",
    "lines": [{"inc_sort_code": "999", "fund_type_code": "2", "amt": "1.00"}],
}
SOUND["correction.special_income"] = {
    "correct_no": "none",
    "reason": "x",
    "lines": [{"inc_sort_code": "999", "fund_type_code": "2", "amt": "1.00"}],
}
SOUND["correction.income"] = {"correct_no": "none", "reason": "x", "lines": []}
SOUND["cash_policy.set"] = {"cash_control": True}
SOUND["advance_policy.set"] = {"limit_amt": "1.00"}
SOUND["advance.pay"] = {
    "adv_no": "none",
    "acct_cls_code": "B0",
    "object": "x",
    "amt": "1.00",
    **{name: text for name, text in PAYEE.items() if name.startswith("payee_acct")},
}
INCOME = {"inc_sort_code": "10101", "fund_type_code": "111", "amt": "1.00", "reason": "x"}
SOUND["income.refund"] = {
    "inc_refund_no": "none",
    **INCOME,
    **{name: text for name, text in PAYEE.items() if name.startswith("payee_acct")},
}
SOUND["correction.income_codes"] = {
    "inc_cor_no": "none",
    **INCOME,
    "to_inc_sort_code": "10305",
    "to_fund_type_code": "111",
}
SOUND["allocation.order"] = {
    "alloc_no": "none",
    "bgt_id": "none",
    "amt": "1.00",
    **{name: text for name, text in PAYEE.items() if name.startswith("payee_acct")},
}
SOUND["placement.order"] = {
    "place_no": "none",
    "fund_type_code": "1",
    "amt": "1.00",
    "int_rate": "1",
    "due_on": "2027-01-15",
    **{name: text for name, text in PAYEE.items() if name.startswith("payee_acct")},
}
SOUND["debt_limit.set"] = {
    "debt_limit_no": "none",
    "general_amt": "0.00",
    "special_amt": "0.00",
    "approval_doc_no": "x",
}
SOUND["bond.register"] = {
    "bond_code": "none",
    "bond_name": "x",
    "bond_type_code": "1",
    "principal_amt": "1.00",
    "int_rate": "1",
    "int_times": "1",
    "issue_date": "2026-01-15",
    "due_date": "2027-01-15",
}
SOUND["bond.issue"] = {"issue_no": "none", "amt": "1.00"}
SOUND["bond.accrue"] = {"int_accrual_no": "none", "amt": "1.00"}
SOUND["advance.to_expense"] = {"step_no": "none", "bgt_id": "none", "amt": "1.00"}
SOUND["advance.reverse"] = {"step_no": "none", "of_step_no": "none", "reason": "错列"}
SOUND["advance.recover"] = {"step_no": "none", "amt": "1.00"}
WAGES = {"bgt_id": "none", "sala_month": "2026-03"}
SOUND["wage_run.load"] = {
    "wage_run_no": "none",
    "sala_month": "2026-03",
    "wage_sala": "1.00",
    "total_ded": "0.00",
    "net_sala": "1.00",
    "lines": [
        {
            "agency_code": "101001",
            "bgt_id": "none",
            "iden_no": "11010519491231002X",
            "payee_acct_name": "x",
            "payee_acct_no": "6222000000000000001",
            "payee_acct_bank_name": "x",
            "wage_sala": "1.00",
            "net_sala": "1.00",
        }
    ],
}
SOUND["subsidy_list.load"] = {
    "subsidy_list_no": "none",
    "subsidy_code": "2-013",
    "pay_period": "2026-03",
    "bgt_id": "none",
    "subsidy_std_amt": "1.00",
    "pay_amt": "1.00",
    "lines": [
        {
            "iden_no": "11010519491231002X",
            "per_name": "x",
            "payee_acct_name": "x",
            "payee_acct_no": "6222000000000000001",
            "payee_acct_bank_name": "x",
            "quantity": "1",
            "pay_amt": "1.00",
        }
    ],
}
SOUND["transfer.issue"] = {
    "transfer_no": "none",
    "rec_div_code": "440100000",
    "bgt_doc_no": "none",
    "tp_func_code": "23003",
    "fund_type_code": "111",
    "amt": "1.00",
    "bgt_pman_id": "none",
}
SOUND["transfer.accept"] = {"rec_no": "none"}
SOUND["transfer.give_back"] = {"return_no": "none"}
_TIER = {"rec_div_code": "440100000", "amt": "1.00", "fund_type_code": "111"}
SOUND["transfer.dispatch"] = {"dispatch_no": "none", **_TIER}
SOUND["transfer.settle"] = {"settle_no": "none", **_TIER}
SOUND["transfer.reduce"] = {"reduce_no": "none", "amt": "1.00"}
SOUND["wage_run.disburse"] = {"bgt_id": "none"}
SOUND["wage.accrue"] = {"accrual_no": "none", "amt": "1.00", **WAGES}
SOUND["wage.withhold"] = {"withhold_no": "none", "income_tax_amt": "1.00", **WAGES}
IN_ADDRESS = {
    "transfer_no": "none",
    "dispatch_no": "none",
    "settle_no": "none",
    "sup_bgt_doc_no": "none",
    "contract_no": "none",
    "pur_plan_no": "none",
    "adv_no": "none",
    "wage_run_no": "none",
    "accrual_no": "none",
    "withhold_no": "none",
    "alloc_no": "none",
    "bond_code": "none",
    "place_no": "none",
    "inc_refund_no": "none",
    "inc_cor_no": "none",
    "report_no": "none",
    "opening_no": "none",
    "voucher_no": "none",
    "pro_code": "none",
    "draft_no": "none",
    "bgt_pman_id": "none",
    "mof_div_code": "440000000",
    "agency_code": "101001",
    "acct_no": "44001000000000001",
    "card_no": "6282880000000000018",
    "staff_no": "101001-9",
    "receiver_code": "SKR-0001",
    "std_code": "CLF-001",
    "division": "4401",
    "webhook_no": "none",
    "principal": "none",
    "token_sm3": "a" * 64,
    "pay_bank_code": "199",
    "cert_serial": "b" * 32,
}


def on_file(operation: str) -> dict[str, Any]:
    """The least that can be asked of an act, without what stands in its address."""
    kept = (KEPT / f"{operation}@{TODAY}.ndjson").read_bytes().splitlines()[0]
    asked = msgspec.json.decode(kept, type=Line).asked
    in_address = {"bgt_id"} if operation == "project.report" else {"bgt_id", "pro_code"}
    return {name: value for name, value in asked.items() if name not in in_address}


def ask(http: HttpTreasury, operation: Operation, person: str) -> httpx.Response:
    """The operation on things that are not there, with a body that is not malformed."""
    method, name = method_of(operation), str(operation.operation_id)
    path = operation.path.replace("{ledger}", http.ledger)
    path = path.replace("{kind}", "period.close").replace("{month}", "2026-01")
    for number in ("bgt_id", "pay_app_no", "clear_no", "run_no", "suspense_no", "number"):
        path = path.replace("{" + number + "}", "none")
    for name_, value in IN_ADDRESS.items():
        path = path.replace("{" + name_ + "}", value)
    body = _body(http, operation, person)
    query = {"dry_run": "true"} if method != "GET" else {}
    if name == "transfer.balance":
        query = {"from": http.ledger, "to": http.ledger}
    if name == "event.stream":  # it never ends: only its head is looked at
        token = {"Authorization": f"Bearer {http.tokens[person]}"} if person else {}
        with http.client.stream("GET", path, headers=token) as response:
            if not response.is_success:
                response.read()
            return response
    return http.call(method, path, person, json=body, params=query)


def _body(http: HttpTreasury, operation: Operation, person: str) -> Any:
    """One that is not malformed."""
    method, name = method_of(operation), str(operation.operation_id)
    body = SOUND.get(name)
    if operation.path.startswith(BUDGETS) and method != "GET":
        body = _body_of_budget(operation)
    if operation.path.startswith(f"{INDICATORS}/") and method != "GET":
        body = on_file(name)
    if operation.path.startswith(PROJECTS) and method != "GET":
        body = on_file(name.removesuffix(".batch"))
    if name in ("project.check.batch", "project.store.batch"):
        body = {"pro_codes": ["none"]}
    if name.startswith("payment.apply"):
        body = http.payment("none")
    if name.startswith("indicator.issue"):
        from tests.support.bookkeeper import ELEMENTS

        body = {"bgt_id": "none", "amount": "1.00", **ELEMENTS, "exp_func_code": "9999999"}
    if name in ("voucher.sign.batch", "voucher.sign.prepare"):
        role = next(iter(set(PERSONS.get(person, ("unit",))) & Right.SIGN.roles), "unit")
        body = {"pay_app_nos": ["x"], "role": role}
        if name == "voucher.sign.prepare":
            body["cert_serial"] = "0" * 32
    if name.startswith(("contract.", "purchase_plan.")) and method != "GET":
        asked = on_file(name)
        bgt_id = {"bgt_id": "none"} if name == "purchase_plan.register" else {}
        body = {n: v for n, v in asked.items() if n not in IN_ADDRESS or n == "agency_code"}
        body |= bgt_id
        for number in ("contract_no", "pur_plan_no"):
            if name.endswith(".register") and number in asked:
                body[number] = "none"
    return [body] if operation.path.endswith(":batch") else body


def _body_of_budget(operation: Operation) -> Any:
    name = str(operation.operation_id)
    if name == "budget_draft.upload":
        return None
    if name in ("budget_draft.submit.batch", "budget_draft.check.batch"):
        return {"draft_nos": ["none"]}
    body = on_file(name.removesuffix(".batch"))
    if "{draft_no}" in operation.path:
        del body["draft_no"]
    return body


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

"""Every operation asked as it may be, of things that are not there: what is told is rights."""

from typing import Any

import httpx
import msgspec

from api.access import Right
from api.http.routes import Operation
from tests.support.bookkeeper import ELEMENTS
from tests.support.commands_on_file import KEPT, TODAY, Line
from tests.support.http_server import ROLES as PERSONS
from tests.support.http_server import HttpTreasury, method_of
from tests.support.sound_bodies import SOUND

INDICATORS = "/v1/ledgers/{ledger}/indicators"
PROJECTS = "/v1/divisions/{mof_div_code}/projects"
BUDGETS = tuple(
    f"/v1/ledgers/{{ledger}}/{of}"
    for of in ("ceilings", "budget-", "income-budgets", "advance-limits")
)
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

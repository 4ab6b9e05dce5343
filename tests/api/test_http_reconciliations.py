"""对账 over HTTP: lists, results by line, comparing again, confirming by who does not pay."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import httpx
import pytest

from payments.messages.envelope import VoucherBody
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.reconciliations import Said, package

ONE = "…/reconciliations/102-D1"


@pytest.fixture
def http(database: Any) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        yield opened


def sent(http: HttpTreasury, body: VoucherBody) -> dict[str, Any]:
    [result] = http.ok(http.deliver(http.message_of_the_bank(body)))["results"]
    answer: dict[str, Any] = result
    return answer


def paid(http: HttpTreasury, bgt_id: str, amounts: Sequence[str]) -> tuple[list[Said], date]:
    """What a bank has paid today, and that day."""
    said, day = [], ""
    for amt in amounts:
        number = http.signed(bgt_id, amt)
        http.ok(http.deliver(http.receipt_for(number)))
        payment = http.get(f"…/payments/{number}").json()
        said.append((payment["pay_cert_no"], amt))
        day = payment["receipt"]["xpay_date"]
    return said, date.fromisoformat(day)


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_from_the_message_to_its_confirmation(http: HttpTreasury) -> None:
    """Of three vouchers one is 0.01 otherwise and one is not listed."""
    lines, day = paid(http, http.indicator(), ("100.00", "200.00", "300.00"))
    listed = [lines[0], (lines[1][0], "200.01")]
    assert sent(http, package("D1", listed, day))["status"] == "created"
    assert sent(http, package("D1", listed, day))["status"] == "replayed"
    shown = http.ok(http.get(ONE))
    assert (shown["state"], shown["x_check_result"], shown["matched_num"]) == ("differs", "1", 1)
    assert (shown["all_amt"], shown["booked_num"], shown["booked_amt"]) == ("300.01", 3, "600.00")
    told = {d["kind"]: (d["number"], d["amt"], d["booked_amt"]) for d in shown["differences"]}
    assert told == {
        "other_amount": (lines[1][0], "200.01", "200.00"),
        "missing_there": (lines[2][0], None, "300.00"),
    }
    assert [(k["kind"], k["num"], k["amt"]) for k in shown["by_kind"]] == [
        ("missing_there", 1, "300.00"),
        ("other_amount", 1, "200.01"),
    ]
    rows = http.ok(http.get(ONE + "/lines"))["rows"]
    assert [(row["x_check_result"], row["x_check_reason"]) for row in rows] == [
        ("0", ""),
        ("1", "金额不符"),
        ("1", "对方未列"),
    ]
    text = http.get(ONE + "/lines", format="csv", only_differing="true").text
    assert len(text.splitlines()) == 4
    assert "金额不符" in text
    again = http.ok(http.post(ONE + "/compare", {"compare_no": "BD1"}, "accountant"))
    assert again["diff_num"] == 2
    assert code(http.post(ONE + "/confirm", {}, "accountant")) == (409, "invalid_state")
    reason = {"reason": "银行多记一分, 另一笔次日列示"}
    done = http.ok(http.post(ONE + "/confirm", reason, "accountant"))
    assert (done["state"], done["confirmed_by"]) == ("confirmed", "accountant")


def test_lists_by_day_bank_and_state(http: HttpTreasury) -> None:
    days = [date(2026, 3, day) for day in (2, 3, 31)]
    for number, day in enumerate(days, 1):
        sent(http, package(f"D{number}", [], day))
    numbers = lambda **query: [  # noqa: E731
        item["recon_no"] for item in http.ok(http.get("…/reconciliations", **query))["items"]
    ]
    assert numbers() == ["102-D1", "102-D2", "102-D3"]
    assert numbers(**{"from": "2026-03-03", "to": "2026-03-03"}) == ["102-D2"]
    assert numbers(**{"from": "2026-03-03", "state": "agrees"}) == ["102-D2", "102-D3"]
    assert numbers(pay_bank_code="105") == []
    page = http.ok(http.get("…/reconciliations", page_size="2"))
    assert len(page["items"]) == 2
    rest = http.ok(http.get("…/reconciliations", page_size="2", cursor=page["next_cursor"]))
    assert [item["recon_no"] for item in rest["items"]] == ["102-D3"]
    assert code(http.get("…/reconciliations/102-D9")) == (404, "not_found")


def test_who_pays_does_not_reconcile(http: HttpTreasury) -> None:
    sent(http, package("D1", [], date(2026, 3, 2)))
    http.tokens["both"] = http.token("both", "accountant", "treasury_checker")
    assert code(http.post(ONE + "/confirm", {}, "both")) == (403, "forbidden")
    assert code(http.post(ONE + "/confirm", {}, "checker")) == (403, "forbidden")
    http.ok(http.post(ONE + "/confirm", {}, "accountant"))


def test_a_policy_is_set_and_keeps_its_month_open(http: HttpTreasury) -> None:
    assert http.ok(http.get("…/reconciliation-policy"))["required"] == []
    required = {
        "vt_code": "3502",
        "pay_bank_code": "102",
        "e_voucher_type": "5214",
        "start_date": "2026-01-30",
    }
    path = "…/reconciliation-policy"
    body = {"required": [required]}
    http.ok(http.call("PUT", path, "admin", json=body))
    assert http.ok(http.get(path))["required"] == [required]
    [blocker] = http.ok(http.get("…/periods/2026-01"))["blockers"]
    assert blocker["kind"] == "unreconciled"
    assert "reconciliation.confirm" in blocker["acts"]
    for wrong in (
        {**required, "e_voucher_type": "2301"},
        {**required, "pay_bank_code": ""},
        {**required, "start_date": "2026-1-30"},
    ):
        answer = http.call("PUT", path, "admin", json={"required": [wrong]})
        assert code(answer) == (400, "malformed")
    twice = http.call("PUT", path, "admin", json={"required": [required, required]})
    assert code(twice) == (400, "malformed")

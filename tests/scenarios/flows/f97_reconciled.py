"""对账: what the agent bank and the central bank say of a day, and the month that waits for it."""

from datetime import date
from typing import Any

from tests.support.flows import County
from tests.support.reconciliations import Said, package

FLOWS = (97,)
JANUARY_30 = date(2026, 1, 30)
NOT_OURS: Said = ("9" * 35, "600.00")
REQUIRED = {"vt_code": "3502", "pay_bank_code": "102", "e_voucher_type": "5214"}
CLOSE = {"through": "2026-01-31"}


def scenario(county: County) -> None:
    county.open()
    http = county.http

    def sent(check_no: str, *lines: Said, **said: Any) -> str:
        body = package(check_no, lines, JANUARY_30, adm_div_code=county.code[:6], **said)
        subject = "bank/102" if body.vt_code == "3502" else "pboc/1"
        [result] = http.ok(http.deliver(http.message_of(body, subject)))["results"]
        return str(result["status"])

    # 对账策略: agreed to by the security officer; the last working day of January is required
    policy = {"required": [{**REQUIRED, "start_date": "2026-01-30"}]}
    county.put("…/reconciliation-policy", policy)
    assert county.refused("…/periods:close", CLOSE, "accountant") == "period_not_ready"
    # 行: the bank lists a voucher that nobody knows here
    assert sent("DZ-1", NOT_OURS) == "created"
    shown = county.see("…/reconciliations/102-DZ-1")
    assert (shown["state"], shown["x_check_result"]) == ("differs", "1")
    [difference] = shown["differences"]
    assert (difference["kind"], difference["amt"]) == ("missing_here", "600.00")
    bare = county.refused("…/reconciliations/102-DZ-1/confirm", {}, "accountant")
    assert bare == "invalid_state"
    # it was another treasury's; the bank sends the list again, and that stands in its place
    assert sent("DZ-2") == "created"
    reason = {"reason": "串户"}
    old = county.refused("…/reconciliations/102-DZ-1/confirm", reason, "accountant")
    assert old == "invalid_state"
    [blocker] = county.see("…/periods/2026-01")["blockers"]
    assert (blocker["kind"], blocker["number"]) == ("unreconciled", "102-DZ-2")
    confirmed = county.act("…/reconciliations/102-DZ-2/confirm", {}, "accountant")
    assert confirmed["state"] == "confirmed"
    # 人行: nothing was claimed on that day, and the central bank says so
    assert sent("DZ-1", vt_code="3501", pay_bank_code="", e_voucher_type="2301") == "created"
    assert county.see("…/reconciliations/pboc-DZ-1")["state"] == "agrees"
    county.act("…/periods:close", CLOSE, "accountant")

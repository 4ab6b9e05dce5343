"""动态监控: a rule refuses gifts, one asks why a purpose is so short, one holds 50,000.01 until
another person has looked at it, and one counts payments to one payee over days."""

from typing import Any

from tests.support.bookkeeper import PAYEE
from tests.support.flows import YEAR, County

FLOWS = (95,)


def _rule(code: str, name: str, control: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"rule_code": code, "rule_name": name, "control": control, "when": list(conditions)}


def _when(field: str, op: str, *values: str, **more: int) -> dict[str, Any]:
    return {"field": field, "op": op, "values": list(values), **more}


def scenario(county: County) -> None:
    county.open()
    bgt_id = county.issue(county.budget("200000.00"), "200000.00")
    # 规则发布: what says nothing is refused with its line, what is sound wants a second person
    rules = [
        _rule("GZ-01", "用途可疑", "intercept", _when("use_des", "contains", "礼品", "购物卡")),
        _rule("GZ-02", "用途过短", "warn", _when("use_des_length", "lt", "3")),
        _rule("GZ-03", "大额支付", "freeze", _when("pay_amt", "gt", "50000.00")),
        _rule("GZ-04", "拆分支付", "intercept", _when("payee_payments", "gt", "3", within_days=7)),
    ]
    place = f"/v1/divisions/{county.code}/monitor-rules"
    unsound = [*rules, _rule("GZ-05", "错", "stop", _when("colour", "is", "red"))]
    answer = county.http.call("PUT", place, "admin", json={"fiscal_year": YEAR, "rules": unsound})
    assert answer.json()["code"] == "malformed"
    told = [(error["line"], error["pointer"]) for error in answer.json()["errors"]]
    assert told == [(5, "/rules/4/control"), (5, "/rules/4/when/0/field")]
    county.put("~/monitor-rules", {"fiscal_year": YEAR, "rules": rules})
    shown = county.see("~/monitor-rules", fiscal_year=YEAR)["rules"]
    assert [rule["rule_code"] for rule in shown] == ["GZ-01", "GZ-02", "GZ-03", "GZ-04"]
    # 拦截
    gift = {**county.payment(bgt_id, "100.00"), "use_des": "礼品采购"}
    refused = county.http.post(f"/v1/ledgers/{county.code}-{YEAR}/payments", gift)
    assert (refused.json()["code"], refused.json()["rule_codes"]) == ("intercepted", ["GZ-01"])
    # 预警: the same number, with a reason
    short = {**county.payment(bgt_id, "100.00"), "use_des": "其他"}
    assert county.refused("…/payments", short) == "confirmation_required"
    county.act("…/payments", {**short, "monitor_reason": "零星支出，附清单"})
    # 冻结: it occupies, and waits for another person than its maker
    large = county.payment(bgt_id, "50000.01")
    county.act("…/payments", large)
    one = f"…/payments/{large['pay_app_no']}"
    assert county.see(one)["held_by"]["code"] == "monitored"
    assert county.left(bgt_id) == "149899.99"
    assert county.refused(f"{one}/approve", by="checker") == "monitored"
    county.act(f"{one}/release", {"reason": "合同约定，已核实"}, "checker")
    assert county.act(f"{one}/approve", by="checker")["status"] == "approved"
    # the fourth payment to one payee in a week
    county.act("…/payments", county.payment(bgt_id, "1.00"))
    assert county.refused("…/payments", county.payment(bgt_id, "1.00")) == "intercepted"
    other = {**county.payment(bgt_id, "1.00"), **PAYEE, "payee_acct_no": "6222000000000000099"}
    county.act("…/payments", other)
    # 命中
    hits = county.see("…/monitor-hits")["items"]
    assert {(hit["rule_code"], hit["state"], hit["reason"]) for hit in hits} == {
        ("GZ-02", "passed", "零星支出，附清单"),
        ("GZ-03", "released", ""),
    }
    assert county.see("…/monitor-hits", state="held")["items"] == []
    counted = county.see("…/monitor-hits/by-rule")["rules"]
    assert [(rule["rule_code"], rule["hits"], rule["pay_amt"]) for rule in counted] == [
        ("GZ-02", 1, "100.00"),
        ("GZ-03", 1, "50000.01"),
    ]
    # the rules go; what was decided by them can be decided again
    county.put("~/monitor-rules", {"fiscal_year": YEAR, "rules": []})
    county.act("…/payments", {**county.payment(bgt_id, "100.00"), "use_des": "礼品采购"})

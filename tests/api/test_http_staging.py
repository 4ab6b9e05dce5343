"""待下达, 可执行 and 收回 over HTTP: what each place says of an indicator in both stages."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from pathlib import Path

from lxml import etree

from ledger.account_set import parse_ledger
from ledger.books import load_charts
from projections.core.rebuild import verify
from projections.exchange.tables import Tables
from tests.support.exports import export
from tests.support.http_server import HttpTreasury, http

AMOUNTS = ("bgt_exe_flag", "amount", "pending_amt", "canuse_amt")


def shown(view: dict[str, object]) -> tuple[object, ...]:
    return tuple(view[name] for name in AMOUNTS)


def listed(http: HttpTreasury, bgt_id: str) -> tuple[object, ...]:
    rows = http.ok(http.get("…/indicators"))["items"]
    return next(shown(row) for row in rows if row["bgt_id"] == bgt_id)


def exported(http: HttpTreasury, folder: Path, bgt_id: str) -> tuple[str | None, ...]:
    """Flag, amount and what can be used, as the exchange tables have them."""
    tables = Tables(load_charts(), parquet=False)
    export(http.treasury.pool, parse_ledger(http.ledger), folder, companions=[tables])
    return next(
        tuple(row.findtext("{*}" + name) for name in ("BGT_EXE_FLAG", "AMOUNT", "CUR_AMT"))
        for path in folder.rglob("*.xml")
        for row in etree.parse(path).iter("{*}BA_BGT_INFO")
        if row.findtext("{*}BGT_ID") == bgt_id
    )


def test_both_stages_are_shown_as_they_are(http: HttpTreasury, tmp_path: Path) -> None:
    bgt_id = http.indicator("100.00", bgt_exe_flag=2)
    place = f"…/indicators/{bgt_id}"
    pending = (2, "100.00", "100.00", "0.00")
    assert shown(http.figures(bgt_id)) == listed(http, bgt_id) == pending
    assert exported(http, tmp_path / "pending", bgt_id) == ("2", "100.00", "0.00")

    recalled = http.ok(http.post(f"{place}/recall", {"recall_no": "SH-1", "amt": "30.00"}))
    assert shown(recalled) == listed(http, bgt_id) == (2, "70.00", "70.00", "0.00")
    before = recalled["commit"]["position"]

    refused = http.post("…/payments", http.payment(bgt_id, "1.00"))
    assert (refused.status_code, refused.json()["code"]) == (409, "indicator_not_executable")

    enabled = http.ok(http.post(f"{place}/enable"))
    assert shown(enabled) == listed(http, bgt_id) == (1, "70.00", "0.00", "70.00")
    again = http.post(f"{place}/enable")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    then = http.ok(http.get(place, as_of_position=before))
    assert shown(then) == (2, "70.00", "70.00", "0.00")

    http.applied(bgt_id, "20.00")
    left = http.ok(http.post(f"{place}/recall", {"reason": "结余收回"}))
    assert shown(left) == listed(http, bgt_id) == (1, "20.00", "0.00", "0.00")
    assert shown(http.figures(bgt_id)) == shown(left)
    assert exported(http, tmp_path / "left", bgt_id) == ("1", "20.00", "0.00")
    assert verify(http.treasury.pool, parse_ledger(http.ledger)).equal


def test_the_trace_adds_up_in_both_stages(http: HttpTreasury) -> None:
    bgt_id = http.indicator("100.00", bgt_exe_flag=2)
    place = f"…/indicators/{bgt_id}"
    for act in ({}, {"recall_no": http.number("SH"), "amt": "30.00"}):
        if act:
            http.ok(http.post(f"{place}/recall", act))
        trace = http.ok(http.get(f"{place}/trace"))
        assert [proof["name"] for proof in trace["proofs"] if not proof["holds"]] == []
    assert trace["figures"]["amount"] == "70.00"
    http.ok(http.post(f"{place}/enable"))
    trace = http.ok(http.get(f"{place}/trace"))
    assert [proof["name"] for proof in trace["proofs"] if not proof["holds"]] == []
    assert [fact["type"] for fact in trace["movements"]] == [
        "indicator.issued", "indicator.recalled", "indicator.enabled"
    ]  # fmt: skip


def test_a_policy_of_plans_is_set_and_shown(http: HttpTreasury) -> None:
    assert http.ok(http.get("…/plan-policy"))["plan_control"] == "total"
    put = http.call("PUT", "…/plan-policy", "admin", json={"plan_control": "weekly"})
    assert (put.status_code, put.json()["pointer"]) == (400, "/plan_control")
    put = http.call("PUT", "…/plan-policy", "admin", json={"plan_control": "monthly"})
    assert http.ok(put)["plan_control"] == "monthly"
    bgt_id = http.indicator("50000.00", is_contrlbyplan=True, effective_on="2026-01-05")
    plan = {"plan_voucher_no": http.number("JH"), "plan_month": 12, "plan_amt": "50000.00"}
    plan["effective_on"] = "2026-01-05"
    planned = http.ok(http.post(f"…/indicators/{bgt_id}/plans", plan))
    assert planned["plans"] == [{"plan_month": 12, "plan_amt": "50000.00"}]
    refused = http.post("…/payments", http.payment(bgt_id, "1.00", effective_on="2026-03-02"))
    assert refused.json()["code"] == "insufficient_plan"
    assert refused.json()["available_amt"] == "0.00"
    http.ok(http.call("PUT", "…/plan-policy", "admin", json={"plan_control": "total"}))

"""待分配分配 over HTTP: what each place says of an indicator and its parts, then and now."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from pathlib import Path
from typing import Any

from lxml import etree

from ledger.account_set import parse_ledger
from ledger.books import load_charts
from projections.core.rebuild import verify
from projections.exchange.tables import Tables
from tests.support.exports import export
from tests.support.http_server import HttpTreasury, http

HOSPITAL = "102001"


def distributed(http: HttpTreasury, whole: str, *amounts: str, **more: Any) -> dict[str, Any]:
    parts = [
        {"bgt_id": f"{whole}-{n}", "agency_code": HOSPITAL, "amount": amount, **more}
        for n, amount in enumerate(amounts, 1)
    ]
    body = {"dist_no": http.number("FP"), "parts": parts}
    answer: dict[str, Any] = http.ok(http.post(f"…/indicators/{whole}/distributions", body))
    return answer


def test_the_answer_tells_of_the_whole_and_its_parts(http: HttpTreasury) -> None:
    whole = http.indicator("100.00", bgt_exe_flag=2)
    first, *parts = distributed(http, whole, "60.00", "30.00")["indicators"]
    assert (first["bgt_id"], first["pending_amt"], first["amount"]) == (whole, "10.00", "10.00")
    assert [(p["bgt_id"], p["canuse_amt"], p["distributed_from"]) for p in parts] == [
        (f"{whole}-1", "60.00", whole), (f"{whole}-2", "30.00", whole)
    ]  # fmt: skip


def test_the_parts_of_an_indicator_are_listed(http: HttpTreasury) -> None:
    whole = http.indicator("100.00", bgt_exe_flag=2)
    distributed(http, whole, "60.00", "30.00")
    listed = http.ok(http.get("…/indicators", distributed_from=whole))["items"]
    assert [(item["bgt_id"], item["distributed_from"]) for item in listed] == [
        (f"{whole}-1", whole), (f"{whole}-2", whole)
    ]  # fmt: skip


def test_each_is_told_as_of_any_moment(http: HttpTreasury) -> None:
    whole = http.indicator("100.00", bgt_exe_flag=2)
    at = http.ok(http.post(f"…/indicators/{whole}/recall", {"amt": "1.00"}))["commit"]["position"]
    then = distributed(http, whole, "60.00")["commit"]["position"]
    part = f"…/indicators/{whole}-1"
    cut = {"adj_no": http.number("ZJ"), "adj_amt": "-20.00", "reason": "追减"}
    http.ok(http.post(f"{part}/adjustments", cut))

    def pending(**moment: Any) -> str:
        return str(http.ok(http.get(f"…/indicators/{whole}", **moment))["pending_amt"])

    told = pending(as_of_position=at), pending(as_of_position=then), pending()
    assert told == ("99.00", "39.00", "59.00")
    assert http.get(part, as_of_position=at).json()["code"] == "indicator_not_found"
    shown = http.ok(http.get(part, as_of_position=then))
    assert (shown["canuse_amt"], shown["distributed_from"]) == ("60.00", whole)
    report = http.ok(http.get("…/budget-reports/distributions", as_of_position=then))
    rows = {row["bgt_id"]: row for row in report["rows"]}
    assert (rows[whole]["distributed_amt"], rows[f"{whole}-1"]["amount"]) == ("60.00", "60.00")


def test_the_trace_of_each_adds_up(http: HttpTreasury) -> None:
    whole = http.indicator("100.00", bgt_exe_flag=2)
    distributed(http, whole, "60.00")
    cut = {"adj_no": http.number("ZJ"), "adj_amt": "-20.00", "reason": "追减"}
    http.ok(http.post(f"…/indicators/{whole}-1/adjustments", cut))
    for bgt_id, kinds in (
        (whole, ["indicator.issued", "indicator.distributed", "indicator.distribution_returned"]),
        (f"{whole}-1", ["indicator.allotted", "indicator.adjusted"]),
    ):
        trace = http.ok(http.get(f"…/indicators/{bgt_id}/trace"))
        assert [fact["type"] for fact in trace["movements"]] == kinds
        assert all(proof["holds"] for proof in trace["proofs"]), trace["proofs"]
    assert [source["bgt_id"] for source in trace["sources"]] == [whole]


def test_the_models_are_as_a_rebuild_makes_them_and_the_export_names_the_whole(
    http: HttpTreasury, tmp_path: Path
) -> None:
    whole = http.indicator("100.00", bgt_exe_flag=2)
    distributed(http, whole, "60.00", bgt_exe_flag=2)
    http.ok(http.post(f"…/indicators/{whole}-1/enable"))
    http.paid(f"{whole}-1", "25.00", agency_code=HOSPITAL)
    http.ok(http.post(f"…/indicators/{whole}-1/recall", {"recall_no": http.number("SH")}))
    http.ok(http.get("…/indicators"))  # the read models have come as far
    pool, ledger_id = http.treasury.pool, parse_ledger(http.ledger)
    assert verify(pool, ledger_id).equal
    export(pool, ledger_id, tmp_path, companions=[Tables(load_charts(), parquet=False)])
    named = {
        row.findtext("{*}BGT_ID"): row.findtext("{*}ORI_BGT_ID")
        for path in tmp_path.rglob("*.xml")
        for row in etree.parse(path).iter("{*}BA_BGT_INFO")
    }
    assert named[f"{whole}-1"] == whole

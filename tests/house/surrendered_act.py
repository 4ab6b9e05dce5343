"""What knows an act that nobody has told it of.

Run by ``test_adding_an_act`` in a copy of the program to which the walk of CONTRIBUTING has been
applied. Over HTTP an indicator of 10,000 is issued, 2,500 of it are surrendered, 100 are applied
for, and at last 400 are surrendered: nothing comes behind them that would tell the figures anew.
"""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from datetime import date
from pathlib import Path

import httpx
import pytest
from lxml import etree
from psycopg_pool import ConnectionPool

from ledger.account_set import parse_ledger
from ledger.books import load_charts
from ledger.events import decode
from ledger.gm import default_provider
from ledger.postgres.database import Database
from payments.verification.run import Options, verify_ledger
from projections.core.rebuild import verify
from projections.exchange.tables import Tables
from tests.support.exports import KEY, PROVIDER, SIGNER, export, ledger_rows, restore
from tests.support.http_server import HttpTreasury, http
from tests.support.paths import FIXTURES
from tests.verifier.test_offline_verifier import run as run_offline

SURRENDER = {"adj_no": "SJ-1", "amt": "2500.00", "reason": "结余上缴"}
LAST = {"adj_no": "SJ-2", "amt": "400.00", "reason": "结余上缴"}


@pytest.fixture(scope="module")
def bgt_id(http: HttpTreasury) -> str:
    """The indicator, after both acts and the application between them."""
    bgt_id = http.indicator("10000.00")
    http.ok(surrender(http, bgt_id, SURRENDER))
    http.applied(bgt_id, "100.00", pay_app_no="SQ-1")
    http.ok(surrender(http, bgt_id, LAST))
    return bgt_id


def surrender(http: HttpTreasury, bgt_id: str, body: dict[str, str]) -> httpx.Response:
    answer: httpx.Response = http.post(f"…/indicators/{bgt_id}/surrenders", body)
    return answer


@pytest.fixture(scope="module")
def exported(http: HttpTreasury, bgt_id: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export") / "whole"
    tables = Tables(load_charts(), parquet=False)
    export(http.treasury.pool, parse_ledger(http.ledger), directory, companions=[tables])
    return directory


def test_the_charts_have_its_rule() -> None:
    books = load_charts().on(date(2026, 3, 2))
    assert books.controlled("indicator.surrendered", {"amount": 1}) == {"available": -1}


def test_its_bytes_are_read() -> None:
    stored = (FIXTURES / "events" / "indicator.surrendered.ndjson").read_bytes().splitlines()[0]
    assert getattr(decode("indicator.surrendered", stored), "amt", "") == "700.00"


def test_the_document_has_its_route(http: HttpTreasury) -> None:
    document = http.ok(http.call("GET", "/openapi.json", ""))
    [path] = [path for path in document["paths"] if path.endswith("/surrenders")]
    operation = document["paths"][path]["post"]
    assert operation["operationId"] == "indicator.surrender"
    assert operation["x-roles"] == ["admin", "treasury_maker"]


def test_the_balances_have_moved(http: HttpTreasury, bgt_id: str) -> None:
    figures = http.figures(bgt_id)
    assert (figures["amount"], figures["canuse_amt"]) == ("7100.00", "7000.00")


def test_the_trial_balance_has_moved(http: HttpTreasury, bgt_id: str) -> None:
    rows = http.ok(http.get("…/trial-balance"))["accounts"]
    closing = {row["acct_cls_name"]: row["closing"] for row in rows if row["book"] == "indicator"}
    assert closing == {
        "指标来源": "7100.00", "支出预算": "0.00", "支出指标": "7000.00", "支付申请": "100.00"
    }  # fmt: skip


def test_the_read_model_of_indicators_follows(http: HttpTreasury, bgt_id: str) -> None:
    [row] = http.ok(http.get("…/indicators"))["items"]
    assert (row["bgt_id"], row["amount"], row["canuse_amt"]) == (bgt_id, "7100.00", "7000.00")
    assert verify(http.treasury.pool, parse_ledger(http.ledger)).equal


def test_the_trace_shows_it_and_its_sums_hold(http: HttpTreasury, bgt_id: str) -> None:
    trace = http.ok(http.get(f"…/indicators/{bgt_id}/trace"))
    assert [fact["type"] for fact in trace["movements"]] == [
        "indicator.issued", "indicator.surrendered", "indicator.surrendered"
    ]  # fmt: skip
    assert trace["sums"]["others"] == "-2900.00"
    assert [proof["name"] for proof in trace["proofs"] if not proof["holds"]] == []


def test_the_trace_of_a_payment_shows_it(http: HttpTreasury, bgt_id: str) -> None:
    trace = http.ok(http.get("…/payments/SQ-1/trace"))
    facts = [fact.get("type") for link in trace["chain"] for fact in link["facts"]]
    assert "indicator.surrendered" in facts


def test_its_number_answers_the_same_again(http: HttpTreasury, bgt_id: str) -> None:
    again = surrender(http, bgt_id, SURRENDER)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    other = surrender(http, bgt_id, {**SURRENDER, "amt": "2500.01"})
    assert other.json()["code"] == "idempotency_conflict"


def test_more_than_is_available_is_refused(http: HttpTreasury, bgt_id: str) -> None:
    refused = surrender(http, bgt_id, {**SURRENDER, "adj_no": "SJ-9", "amt": "7000.01"})
    assert refused.json()["code"] == "insufficient_indicator"


def test_an_audit_finds_its_number(
    http: HttpTreasury, bgt_id: str, module_database: Database, tmp_path: Path
) -> None:
    report = verify_ledger(
        module_database.app_conninfo,
        load_charts(),
        default_provider(),
        parse_ledger(http.ledger),
        Options(folder=tmp_path),
    )
    assert report.findings == []


def test_the_export_calls_it_by_its_name(exported: Path) -> None:
    acts = [
        (act.findtext("{*}ADJ_NO"), act.findtext("{*}ADJ_TYPE"), act.findtext("{*}AMT"))
        for path in exported.rglob("*.xml")
        for act in etree.parse(path).iter("{*}BA_BGT_ADJUST")
    ]
    assert acts == [("SJ-1", "上缴结余", "-2500.00"), ("SJ-2", "上缴结余", "-400.00")]


def test_the_export_is_imported_again(
    exported: Path, http: HttpTreasury, pool: ConnectionPool
) -> None:
    ledger_id = parse_ledger(http.ledger)
    restore(pool, exported)
    mine, theirs = ledger_rows(pool, ledger_id), ledger_rows(http.treasury.pool, ledger_id)
    assert mine["registers"] == theirs["registers"] != []
    assert ("indicator.surrender", "SJ-1") in {(key[1], key[2]) for key in mine["command_keys"]}


def test_the_offline_verifier_knows_its_number(exported: Path) -> None:
    public = PROVIDER.public_key(KEY).hex()
    code, output = run_offline(str(exported), "--key", f"{SIGNER.name}={public}")
    assert code == 0, output

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)
"""全省查询 over HTTP, and what the database lets nobody see, whatever a query says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.tokens import create_token
from ledger.postgres.database import Database
from projections import province
from projections.province.sight import Sight, seen_by
from tests.support.bookkeeper import PAYEE
from tests.support.http_server import ONE_PERSON, HttpTreasury, http

PROVINCE, CITY, COUNTY = "440000000", "440100000", "440103000"
YEAR = {"fiscal_year": 2026}
DIRECT = {"is_dir_code": "01", "track_pro_code": "ZDXM1"}
TABLES = tuple(f"province_{each}" for each in ("payments", "indicators", "positions"))


@pytest.fixture(scope="module")
def tiers(http: HttpTreasury) -> HttpTreasury:
    """Of the unit 101001 of the province 500 of 1,000 are applied for, of the city 200 of 400, of
    the county, by 100 and 50, 150 of 300; of 102001 of the city, which are direct funds, 30 of 80
    are paid. ``of_city`` audits the city, ``of_units`` is of 101… in all of them."""
    given = {
        PROVINCE: [("101001", "1000.00", ["500.00"])],
        CITY: [("101001", "400.00", ["200.00"]), ("102001", "80.00", [])],
        COUNTY: [("101001", "300.00", ["100.00", "50.00"])],
    }
    for division, indicators in given.items():
        http.ledger = f"{division}-2026"
        if division != PROVINCE:
            body = {"mof_div_code": division, **YEAR, "name": division, **ONE_PERSON}
            http.ok(http.post("/v1/ledgers", body, "admin"))
        for agency_code, amount, applied in indicators:
            direct = DIRECT if agency_code == "102001" else {}
            bgt_id = http.indicator(amount, agency_code=agency_code, **direct)
            if direct:
                http.paid(bgt_id, "30.00")
            for each in applied:
                http.applied(bgt_id, each)
        position = http.ok(http.get("…"))["position"]
        http.ok(http.get("…/payments", headers={"X-Min-Position": str(position)}))
        http.ok(http.get("…/indicators", headers={"X-Min-Position": str(position)}))
    http.tokens["of_city"] = http.token("of_city", "auditor", division="4401")
    with http.treasury.pool.connection() as connection:
        http.tokens["of_units"] = create_token(
            connection,
            "of_units",
            ["unit"],
            "44",
            http.treasury.sequencer.conditions,
            agency_prefixes=["101"],
        )
    return http


def asked(tiers: HttpTreasury, what: str, person: str = "auditor", **query: Any) -> Any:
    return tiers.ok(tiers.get(f"/v1/province/{what}", person, **YEAR, **query))


def by_division(answer: Any, figure: str) -> dict[str, str]:
    return {row["mof_div_code"]: row[figure] for row in answer["rows"]}


def test_a_province_is_the_sum_of_its_tiers(tiers: HttpTreasury) -> None:
    whole = asked(tiers, "execution")
    assert by_division(whole, "amount") == {PROVINCE: "1000.00", CITY: "480.00", COUNTY: "300.00"}
    assert by_division(whole, "pay_app_amt") == {
        PROVINCE: "500.00", CITY: "200.00", COUNTY: "150.00"
    }  # fmt: skip
    assert (whole["totals"]["amount"], whole["totals"]["canuse_amt"]) == ("1780.00", "900.00")
    assert list(whole["positions"]) == [f"{each}-2026" for each in (PROVINCE, CITY, COUNTY)]
    by_unit = asked(tiers, "execution", by="agency")
    assert [(row["mof_div_code"], row["agency_code"]) for row in by_unit["rows"]] == [
        (PROVINCE, "101001"), (CITY, "101001"), (CITY, "102001"), (COUNTY, "101001")
    ]  # fmt: skip
    assert by_unit["totals"] == whole["totals"]


def test_a_city_sees_its_own_and_what_is_below_it(tiers: HttpTreasury) -> None:
    own = asked(tiers, "execution", "of_city")
    assert by_division(own, "amount") == {CITY: "480.00", COUNTY: "300.00"}
    assert asked(tiers, "execution", "of_city", division="44") == {**own, "division": "44"}
    county = asked(tiers, "execution", "of_city", division=COUNTY)
    assert by_division(county, "amount") == {COUNTY: "300.00"}
    refused = tiers.get("/v1/province/execution", "of_city", **YEAR, division=PROVINCE)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert tiers.get("/v1/province/payments", "bank", **YEAR).status_code == 403


def test_a_unit_sees_its_own_in_every_division(tiers: HttpTreasury) -> None:
    own = asked(tiers, "execution", "of_units")
    assert by_division(own, "amount") == {PROVINCE: "1000.00", CITY: "400.00", COUNTY: "300.00"}
    assert {item["agency_code"] for item in asked(tiers, "indicators", "of_units")["items"]} == {
        "101001"
    }


def test_payments_of_all_divisions_page_by_page(tiers: HttpTreasury) -> None:
    whole = asked(tiers, "payments", with_total="true")
    assert (whole["total"], whole["sum_amt"], whole["next_cursor"]) == (5, "880.00", None)
    amounts = [item["pay_amt"] for item in whole["items"]]
    assert amounts == ["500.00", "200.00", "30.00", "100.00", "50.00"]
    cursor, paged = None, []
    while cursor is not None or not paged:
        more = {} if cursor is None else {"cursor": cursor}
        page = asked(tiers, "payments", page_size=1, **more)
        paged += page["items"]
        cursor = page["next_cursor"]
    assert paged == whole["items"]
    some = asked(tiers, "payments", min_amt="100.00", max_amt="200.00", with_total="true")
    assert (some["total"], some["sum_amt"]) == (2, "300.00")
    none = asked(tiers, "payments", status="failed", with_total="true")
    assert (none["items"], none["total"], none["sum_amt"]) == ([], 0, "0.00")
    pages = [asked(tiers, "indicators", page_size=3)]
    pages.append(asked(tiers, "indicators", page_size=3, cursor=pages[0]["next_cursor"]))
    assert [len(page["items"]) for page in pages] == [3, 1]
    wrong = tiers.get("/v1/province/payments", **YEAR, cursor=pages[0]["next_cursor"])
    assert wrong.json()["code"] == "malformed"


def test_direct_funds_down_to_payees(tiers: HttpTreasury) -> None:
    told = tiers.ok(tiers.get("/v1/direct-funds", "of_city", **YEAR, track_pro_code="ZDXM1"))
    assert (told["issued_amt"], told["allotted_amt"], told["paid_amt"], told["rate"]) == (
        "80.00", "80.00", "30.00", "37.50",
    )  # fmt: skip
    assert [(each["tier_code"], each["paid_amt"]) for each in told["tiers"]] == [("3", "30.00")]
    assert [each["ledger"] for each in told["divisions"]] == [f"{CITY}-2026"]
    [payee] = tiers.ok(tiers.get("/v1/direct-funds/payees", **YEAR, page_size=1))["items"]
    assert (payee["payee_acct_name"], payee["paid_amt"]) == (PAYEE["payee_acct_name"], "30.00")
    assert {name: payee[name] for name in DIRECT} == DIRECT
    for path in ("/v1/direct-funds", "/v1/direct-funds/payees"):
        assert tiers.get(path, "of_units").json()["code"] == "forbidden"
        assert tiers.ok(tiers.get(path, **YEAR, division=COUNTY)) is not None
    due = "/v1/province/transfer-deadlines"
    assert tiers.ok(tiers.get(due, **YEAR, overdue="true"))["items"] == []
    assert tiers.get(due, "of_units").json()["code"] == "forbidden"
    wrong = tiers.get("/v1/direct-funds/payees", cursor="bm9uZQ")
    assert wrong.json()["code"] == "malformed"


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("payments", {"fiscal_year": 26}),
        ("payments", {"fiscal_year": 2026, "division": "44x"}),
        ("payments", {"fiscal_year": 2026, "status": "gone"}),
        ("payments", {"fiscal_year": 2026, "min_amt": "1"}),
        ("payments", {"fiscal_year": 2026, "from": "bald"}),
        ("execution", {"fiscal_year": 2026, "by": "colour"}),
        ("indicators", {"fiscal_year": 2026, "cursor": "bm9uZQ"}),
    ],
)
def test_what_cannot_be_asked_is_told(tiers: HttpTreasury, what: str, query: Any) -> None:
    answer = tiers.get(f"/v1/province/{what}", **query)
    assert answer.json()["code"] in ("malformed", "invalid_amount"), answer.text


# ---- whatever a query says


@pytest.fixture
def outside(tiers: HttpTreasury) -> Iterator[psycopg.Connection]:
    """The application's role, as whoever gets hold of it has it."""
    with tiers.treasury.pool.connection() as connection:
        yield connection


def divisions(connection: psycopg.Connection, table: str) -> set[int]:
    found = connection.execute(f"SELECT DISTINCT ledger_id / 10000 FROM {table}".encode())
    return {division for (division,) in found}


@pytest.mark.parametrize("table", TABLES)
def test_no_query_shows_another_division(outside: psycopg.Connection, table: str) -> None:
    with seen_by(outside, Sight("4401")):
        assert divisions(outside, table) == {440100000, 440103000}
        wrong = f"SELECT count(*) FROM {table} WHERE ledger_id = 4400000002026 OR true"
        everything = f"SELECT count(*) FROM {table}"
        assert (
            outside.execute(wrong.encode()).fetchone()
            == outside.execute(everything.encode()).fetchone()
        )
    with seen_by(outside, Sight("")):
        assert {440000000, 440100000, 440103000} <= divisions(outside, table)


def test_no_query_shows_another_unit(outside: psycopg.Connection) -> None:
    with seen_by(outside, Sight("44", ("102",))):
        assert divisions(outside, "province_payments") == {440100000}
        [row] = outside.execute("SELECT agency_code, amount_fen FROM province_indicators")
    assert row == ("102001", 8_000)


def test_who_says_nothing_sees_nothing(outside: psycopg.Connection) -> None:
    """Nor does a connection keep what another caller said on it before."""
    for table in TABLES:
        assert divisions(outside, table) == set()
    outside.rollback()
    with seen_by(outside, Sight("44")):
        assert divisions(outside, "province_payments")
    for said in ("", "44", "4*4", "%", "44*; x", "440000000000*"):
        with outside.transaction():
            outside.execute("SELECT set_config('guoku.division', %s, true)", [said])
            outside.execute("SELECT set_config('guoku.agencies', '*', true)")
            assert [divisions(outside, table) for table in TABLES] == [set()] * 3, said
    for said in ("", "101", "*,101*", ",", "1 01*"):
        with outside.transaction():
            outside.execute("SELECT set_config('guoku.division', '*', true)")
            outside.execute("SELECT set_config('guoku.agencies', %s, true)", [said])
            assert divisions(outside, "province_payments") == set(), said


def test_what_is_seen_through_can_hold_nothing_itself(
    outside: psycopg.Connection, module_database: Database
) -> None:
    """Nor could its owner show a payment that no event tells of."""
    forged = "INSERT INTO province_payments (ledger_id, agency_code) VALUES (4401000002026, '101')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        outside.execute(forged)
    outside.rollback()
    owner = psycopg.connect(module_database.owner_conninfo)
    with owner, pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(forged)


def test_its_queries_read_what_row_security_holds_alone() -> None:
    for module in Path(province.__file__).parent.glob("*.py"):
        source = module.read_text(encoding="utf-8")
        named = re.findall(r"\b([a-z_]+) AS \(", source)
        tables = set(re.findall(r"\b(?:FROM|JOIN)\s+([a-z_]+)", source)) - {*named}
        assert all(table.startswith("province_") for table in tables), (module, tables)
        assert "proj_" not in source, module

"""Code sets over HTTP: a division loads its own rows, all or none."""

from tests.api.test_http_banks import own
from tests.support.bookkeeper import ELEMENTS
from tests.support.http_server import ONE_PERSON, HttpTreasury

__all__ = ["own"]

PATH = "/v1/divisions/440000000/code-sets"
HEADER = "element,code,name,parent,mof_div_code\n"
ROW = "fund_type_code,1111,本级财力安排,111,440000000\n"


def load(own: HttpTreasury, text: str, person: str = "admin", **more: str) -> dict[str, object]:
    answer = own.call("POST", PATH, person, content=text.encode(), **more)
    found: dict[str, object] = answer.json()
    return {**found, "replayed": answer.headers.get("idempotent-replayed", "")}


def test_a_division_loads_its_own_rows(own: HttpTreasury) -> None:
    rehearsed = load(own, HEADER + ROW, params={"dry_run": "true"})  # type: ignore[arg-type]
    assert (rehearsed["added"], rehearsed["commit"]) == (1, None)
    key = {"headers": {"Idempotency-Key": '"DM-1"'}}
    loaded = load(own, HEADER + ROW, **key)  # type: ignore[arg-type]
    assert (loaded["added"], loaded["load_no"], loaded["replayed"]) == (1, "DM-1", "")
    assert load(own, HEADER + ROW, **key)["replayed"] == "true"  # type: ignore[arg-type]
    [listed] = own.ok(own.get(PATH))["items"]
    assert (listed["version"], listed["loaded_by"]) == (loaded["version"], "admin")


def test_rows_of_others_and_bad_files_are_refused(own: HttpTreasury) -> None:
    assert load(own, HEADER + ROW.replace("440000000", "450000000"))["code"] == "forbidden"
    assert load(own, HEADER + ROW.replace("440000000", ""))["code"] == "forbidden"
    assert load(own, HEADER + "fund_type_code,,x,,\n")["code"] == "malformed"
    assert load(own, "")["code"] == "malformed"
    assert load(own, HEADER + ROW, "maker")["code"] == "forbidden"


def test_a_township_is_loaded_by_its_county_and_opened(own: HttpTreasury) -> None:
    """The fourth tier 乡: the towns of a county are its own list."""
    county, town = "440523000", "440523106"
    row = f"mof_div_code,{town},样例镇,{county},{county}\n"
    path = f"/v1/divisions/{county}/code-sets"
    body = {"mof_div_code": town, "name": "样例镇", "parent_div_code": county, "tier_code": "5"}
    unknown = own.post("/v1/divisions", body, "admin").json()
    assert (unknown["code"], unknown["pointer"]) == ("element_invalid", "/mof_div_code")
    own.ok(own.call("POST", path, "admin", content=(HEADER + row).encode()))
    opened = own.post("/v1/divisions", body, "admin")
    assert opened.is_success, opened.text
    year = {"mof_div_code": town, "fiscal_year": 2026, "name": "样例镇", **ONE_PERSON}
    made = own.ok(own.post("/v1/ledgers", year, "admin"))
    assert made["ledger"] == f"{town}-2026"


def test_the_provinces_own_level_is_a_division_beside_the_province(own: HttpTreasury) -> None:
    """省本级: Guangdong's, unverified, is shipped; its years are not those of 440000000."""
    code = "449900000"
    body = {
        "mof_div_code": code,
        "name": "广东省本级",
        "parent_div_code": "440000000",
        "tier_code": "2",
    }
    own.post("/v1/divisions", body, "admin")
    year = {"mof_div_code": code, "fiscal_year": 2026, "name": "省本级", **ONE_PERSON}
    assert own.ok(own.post("/v1/ledgers", year, "admin"))["ledger"] == f"{code}-2026"


def test_what_funds_pay_for_is_data_of_a_year_and_a_division(own: HttpTreasury) -> None:
    """基金混用: 112 does not pay for 2120801, until a province says otherwise of a year."""
    other = {"fund_type_code": "112", "exp_func_code": "2120801"}
    asked = {"bgt_id": "DM-1", "amount": "1.00", **ELEMENTS, **other}
    refused = own.post("…/indicators", asked).json()
    assert (refused["code"], refused["pointer"]) == ("element_mismatch", "/exp_func_code")
    head = "element,code,name,parent,mof_div_code,fiscal_year\n"
    row = "fund_type_exp_func,112-2120801,本省试点,,440000000,2025\n"
    assert load(own, head + row)["added"] == 1
    assert own.post("…/indicators", {**asked, "bgt_id": "DM-2"}).json()["code"] == refused["code"]
    load(own, head + row.replace("2025", "2026"))
    own.ok(own.post("…/indicators", {**asked, "bgt_id": "DM-3"}))

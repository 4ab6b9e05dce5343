"""基础信息 over HTTP beside units: accounts, payees, spending standards, working days."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.account_set import standing_ledger
from ledger.postgres.database import Database
from tests.api.test_http_agencies import unit
from tests.api.test_http_division_documents import findings
from tests.support.http_server import HttpTreasury, http_treasury_on

DIVISION = "/v1/divisions/440000000"
ACCOUNT = {
    "acct_no": "44001000000000001",
    "acct_name": "样例学校零余额账户",
    "acct_bank_name": "样例银行广州分行",
    "bank_no": "102581000013",
    "acc_type_code": "21",
    "agency_code": "101001",
}
PAYEE = {
    "receiver_code": "SKR-0001",
    "payee_acct_name": "样例办公用品有限公司",
    "payee_acct_no": "6222000000000000001",
    "payee_acct_bank_name": "样例银行广州分行",
    "receiver_kind": "2",
}
STANDARD = {
    "std_code": "CLF-001",
    "name": "差旅住宿费",
    "unit": "人天",
    "amt": "500.00",
    "dep_bgt_eco_code": "30211",
}

PEOPLE = {"staff_no": "101001-1", "staff_count": 42, "post_count": 45}
OUTPUT = {"perf_ind_code": "CC", "perf_ind_name": "产出指标", "perf_ind_level": "1"}


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(module_database) as opened:
        yield opened


@pytest.fixture(scope="module")
def alone(own: HttpTreasury) -> HttpTreasury:
    own.alone_in_divisions()
    own.ok(own.post(f"{DIVISION}/agencies", unit("101001"), "admin"))
    return own


def put_calendar(own: HttpTreasury, *days: tuple[str, bool], **more: Any) -> Any:
    told = [{"date": day, "is_workday": is_workday} for day, is_workday in days]
    body = {"days": told, **more}
    return own.call("PUT", f"{DIVISION}/calendar", "admin", json=body)


# ---- two persons


def test_all_of_it_waits_for_another_person(own: HttpTreasury) -> None:
    asked = [
        own.post(f"{DIVISION}/payees", {**PAYEE, "receiver_code": "SKR-9"}, "admin"),
        own.post(f"{DIVISION}/standards", {**STANDARD, "std_code": "BZ-9"}, "admin"),
        own.post(f"{DIVISION}/accounts", {**ACCOUNT, "acc_type_code": "11", "agency_code": ""},
                 "admin"),
        put_calendar(own, ("2026-05-01", False), change_no="RL-1"),
    ]  # fmt: skip
    assert [answer.status_code for answer in asked] == [202] * 4
    assert {tuple(answer.json()["awaits"]) for answer in asked} == {("treasury_checker",)}
    named = [{"kind": a.json()["kind"], "number": a.json()["number"]} for a in asked]
    agreed = own.post(f"{DIVISION}/documents:approve", {"documents": named}, "checker")
    assert [each["status"] for each in own.ok(agreed)["results"]] == ["created"] * 4
    assert own.ok(own.get(f"{DIVISION}/standards/BZ-9"))["amt"] == "500.00"


# ---- accounts


def test_an_account_of_a_unit_from_its_opening_to_its_closing(alone: HttpTreasury) -> None:
    body = {**ACCOUNT, "acct_no": "44001000000000002", "start_date": "2026-01-01"}
    made = alone.ok(alone.post(f"{DIVISION}/accounts", body, "admin"))
    assert (made["acc_type_code"], made["agency_code"]) == ("21", "101001")
    path = f"{DIVISION}/accounts/44001000000000002"
    june = {"start_date": "2026-06-01", "acct_name": "样例学院零余额账户"}
    alone.ok(alone.post(f"{path}/changes", june, "admin"))
    closed = alone.ok(alone.post(f"{path}/changes", {"end_date": "2026-12-01"}, "admin"))
    assert closed["end_date"] == "2026-12-01"
    may = alone.ok(alone.get(path, as_of_effective="2026-05-31"))
    assert may["acct_name"] == "样例学校零余额账户"
    assert alone.ok(alone.get(path, as_of_effective="2026-06-01"))["acct_name"].startswith(
        "样例学院"
    )
    listed = alone.ok(alone.get(f"{DIVISION}/accounts"))["items"]
    assert "44001000000000002" in [each["acct_no"] for each in listed]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"agency_code": ""}, "malformed", "/agency_code"),
        ({"agency_code": "999001"}, "element_invalid", "/agency_code"),
        ({"acc_type_code": "99"}, "malformed", "/acc_type_code"),
        ({"acct_no": "6.222E+18"}, "malformed", "/acct_no"),
        ({"fund_type_code": "999"}, "element_invalid", "/fund_type_code"),
        ({"pay_bank_code": "999"}, "element_invalid", "/pay_bank_code"),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    alone: HttpTreasury, change: dict[str, str], code: str, pointer: str
) -> None:
    body = {**ACCOUNT, "acct_no": "44001000000000003", **change}
    problem = alone.post(f"{DIVISION}/accounts", body, "admin").json()
    assert (problem["code"], problem["pointer"]) == (code, pointer)


# ---- payees and standards


def test_a_payee_comes_off_the_white_list(alone: HttpTreasury) -> None:
    alone.ok(alone.post(f"{DIVISION}/payees", {**PAYEE, "is_whitelisted": True}, "admin"))
    path = f"{DIVISION}/payees/SKR-0001"
    off = {"start_date": "2026-06-01", "is_whitelisted": False}
    alone.ok(alone.post(f"{path}/changes", off, "admin"))
    days = ("2026-05-31", "2026-06-01")
    shown = [alone.ok(alone.get(path, as_of_effective=day))["is_whitelisted"] for day in days]
    assert shown == [True, False]
    nothing = alone.post(f"{path}/changes", {"start_date": "2026-06-01"}, "admin")
    assert nothing.json()["code"] == "malformed"


def test_payees_are_registered_by_the_thousand(alone: HttpTreasury) -> None:
    items = [{**PAYEE, "receiver_code": f"NH-{n:04d}", "receiver_kind": "3"} for n in range(500)]
    results = alone.ok(alone.post(f"{DIVISION}/payees:batch", items, "admin"))["results"]
    assert {each["status"] for each in results} == {"created"}
    assert results[7]["payee"]["receiver_code"] == "NH-0007"


def test_a_standard_rises_from_a_day_on(alone: HttpTreasury) -> None:
    alone.ok(alone.post(f"{DIVISION}/standards", STANDARD, "admin"))
    path = f"{DIVISION}/standards/CLF-001"
    more = {"change_no": "BZ-1", "start_date": "2026-07-01", "amt": "550.00"}
    risen = alone.ok(alone.post(f"{path}/changes", more, "admin"))
    assert [each["amt"] for each in risen["versions"]] == ["500.00", "550.00"]
    wrong = {**STANDARD, "std_code": "X", "dep_bgt_eco_code": "99999"}
    refused = alone.post(f"{DIVISION}/standards", wrong, "admin").json()
    assert (refused["code"], refused["pointer"]) == ("element_invalid", "/dep_bgt_eco_code")
    bad = alone.post(f"{DIVISION}/standards", {**STANDARD, "std_code": "X", "amt": "1"}, "admin")
    assert bad.json()["code"] == "invalid_amount"


# ---- people


def test_people_come_and_go_by_days(alone: HttpTreasury) -> None:
    alone.ok(alone.post(f"{DIVISION}/staff", PEOPLE, "admin"))
    path = f"{DIVISION}/staff/101001-1"
    more = {"change_no": "RY-1", "start_date": "2026-09-01", "staff_count": 44}
    alone.ok(alone.post(f"{path}/changes", more, "admin"))
    days = ("2026-08-31", "2026-09-01")
    shown = [alone.ok(alone.get(path, as_of_effective=day)) for day in days]
    assert [(day["staff_count"], day["post_count"]) for day in shown] == [(42, 45), (44, 45)]
    none_left = {"change_no": "RY-2", "start_date": "2026-10-01", "staff_count": 0}
    alone.ok(alone.post(f"{path}/changes", none_left, "admin"))
    october = alone.ok(alone.get(path, as_of_effective="2026-10-01"))
    assert october["staff_count"] == 0, "none is a number, too"


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"staff_no": "101001"}, "malformed", "/staff_no"),
        ({"staff_no": "999001-1"}, "element_invalid", "/agency_code"),
        ({"staff_count": -1}, "malformed", "/staff_count"),
        ({"post_count": -1}, "malformed", "/post_count"),
    ],
)
def test_people_who_cannot_be_are_refused(
    alone: HttpTreasury, change: dict[str, object], code: str, pointer: str
) -> None:
    body = {**PEOPLE, "staff_no": "101001-2", **change}
    problem = alone.post(f"{DIVISION}/staff", body, "admin").json()
    assert (problem["code"], problem["pointer"]) == (code, pointer)


# ---- the calendar


def test_a_holiday_and_the_saturday_worked_in_for_it(alone: HttpTreasury) -> None:
    told = put_calendar(alone, ("2026-10-01", False), ("2026-10-10", True), change_no="RL-2026")
    position = alone.ok(told)["commit"]["position"]
    asked: dict[str, Any] = {"from": "2026-10-01", "to": "2026-10-12"}
    days = alone.ok(alone.get(f"{DIVISION}/calendar", **asked))["days"]
    worked = {each["date"][-2:]: each["is_workday"] for each in days}
    assert [day for day, is_workday in worked.items() if is_workday] == [
        "02", "05", "06", "07", "08", "09", "10", "12",
    ]  # fmt: skip
    assert [each["date"] for each in days if each["is_told"]] == ["2026-10-01", "2026-10-10"]
    back = put_calendar(alone, ("2026-10-10", False), change_no="RL-2026-2")
    alone.ok(back)
    now = alone.ok(alone.get(f"{DIVISION}/calendar", **asked))["days"]
    assert [each["date"] for each in now if each["is_told"]] == ["2026-10-01"]
    then = alone.ok(alone.get(f"{DIVISION}/calendar", **asked, as_of_position=position))["days"]
    assert then == days
    year = alone.ok(alone.get(f"{DIVISION}/calendar", as_of_effective="2026-03-02"))["days"]
    assert len(year) == 365
    for wrong in ((), (("2026-10-01", False), ("2026-10-01", True))):
        assert put_calendar(alone, *wrong).json()["code"] == "malformed"
    assert put_calendar(alone, ("1. Oktober", False)).json()["code"] == "malformed"


def test_monitoring_rules_are_set_again_by_one_person(alone: HttpTreasury) -> None:
    """What a request brings is another class than what is stored, and says the same: where nobody
    else had to agree, the division took nothing more in until its server was started anew."""
    rule = {
        "rule_code": "GZ-01",
        "rule_name": "大额支付",
        "control": "warn",
        "when": [{"field": "pay_amt", "op": "gt", "values": ["50000.00"]}],
    }
    for year in (2026, 2027):
        body = {"fiscal_year": year, "rules": [rule]}
        alone.ok(alone.call("PUT", f"{DIVISION}/monitor-rules", "admin", json=body))


# ---- performance indicators


def put_indicators(own: HttpTreasury, *indicators: dict[str, str], change_no: str) -> Any:
    body = {"change_no": change_no, "indicators": list(indicators)}
    return own.call("PUT", f"{DIVISION}/performance-indicators", "admin", json=body)


COUNT = {**OUTPUT, "perf_ind_code": "CC01", "perf_ind_level": "2", "parent_perf_ind_code": "CC"}


def test_performance_indicators_come_and_go_by_days(alone: HttpTreasury) -> None:
    """What stands below an indicator that has ended is not there either."""
    told = alone.ok(put_indicators(alone, COUNT, OUTPUT, change_no="JX-1"))
    alone.ok(put_indicators(alone, {**OUTPUT, "end_date": "2027-01-01"}, change_no="JX-2"))

    def there(**asked: Any) -> list[str]:
        shown = alone.ok(alone.get(f"{DIVISION}/performance-indicators", **asked))
        return [each["perf_ind_code"] for each in shown["indicators"]]

    assert there(as_of_effective="2026-12-31") == ["CC", "CC01"]
    assert there(as_of_effective="2027-01-01") == []
    before = told["commit"]["position"]
    assert there(as_of_effective="2027-01-01", as_of_position=before) == ["CC", "CC01"]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"parent_perf_ind_code": ""}, "malformed", "parent_perf_ind_code"),
        ({"perf_ind_level": "4"}, "malformed", "perf_ind_level"),
        ({"meterunit": "公里"}, "malformed", "meterunit"),
        ({"start_date": "2026-02-30"}, "malformed", "start_date"),
        ({"start_date": "2026-03-01", "end_date": "2026-03-01"}, "malformed", "end_date"),
        ({"parent_perf_ind_code": "XY"}, "element_invalid", "parent_perf_ind_code"),
        ({"parent_perf_ind_code": "CC02"}, "element_invalid", "parent_perf_ind_code"),
    ],
)
def test_performance_indicators_that_cannot_be_are_refused(
    alone: HttpTreasury, change: dict[str, str], code: str, pointer: str
) -> None:
    told = {**COUNT, "perf_ind_code": "CC02", **change}
    problem = put_indicators(alone, told, change_no=f"JX-{change}").json()
    assert (problem["code"], problem["pointer"]) == (code, f"/indicators/0/{pointer}")


def test_a_performance_indicator_keeps_its_level(alone: HttpTreasury) -> None:
    other = {**OUTPUT, "perf_ind_code": "CC01", "start_date": "2027-01-01"}
    problem = put_indicators(alone, other, change_no="JX-9").json()
    assert (problem["code"], problem["pointer"]) == (
        "element_invalid",
        "/indicators/0/perf_ind_level",
    )
    twice = put_indicators(alone, COUNT, COUNT, change_no="JX-10").json()
    assert (twice["code"], twice["pointer"]) == ("malformed", "/indicators/1")


def test_what_was_decided_is_decided_again(alone: HttpTreasury) -> None:
    assert findings(alone, standing_ledger("44")) == []

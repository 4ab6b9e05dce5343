"""项目库 over HTTP: a unit reports, its department and the treasury check, the treasury stores."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.tokens import create_token
from ledger.postgres.database import Database
from tests.support.http_server import HttpTreasury, http_treasury_on

DIVISION = "/v1/divisions/440000000"
PROJECTS = f"{DIVISION}/projects"
GOALS = [
    {
        "yearflag": "1",
        "kpi_target": "三年内改造农村公路 120 公里",
        "indicators": [
            {
                "name": "改造里程",
                "indexval": "120",
                "computesign": "≥",
                "meterunit": "公里",
                "weight": "40.00",
            }
        ],
    }
]


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    """Others agree to what is done to a division, as by default."""
    with http_treasury_on(module_database) as opened:
        for person, roles in (("roads", ("unit",)), ("roads_checker", ("unit_checker",))):
            with opened.treasury.pool.connection() as connection:
                opened.tokens[person] = create_token(
                    connection,
                    person,
                    roles,
                    "44",
                    opened.treasury.sequencer.conditions,
                    agency_prefixes=["102"],
                )
        yield opened


def road(own: HttpTreasury, **more: Any) -> dict[str, Any]:
    """Rural roads: 900.00 in three years."""
    return {
        "pro_code": f"4400002600000{own.number('')[1:]:0>8}",
        "pro_name": "农村公路改造",
        "agency_code": "101001",
        "pro_cat_code": "3",
        "pro_total_amt": "900.00",
        "pro_start_year": 2026,
        "pro_term": 3,
        "years": [
            {"fiscal_year": 2026, "amt": "300.00"},
            {"fiscal_year": 2027, "amt": "400.00"},
            {"fiscal_year": 2028, "amt": "200.00"},
        ],
        "goals": GOALS,
        **more,
    }


def reported(own: HttpTreasury, **more: Any) -> str:
    body = road(own, **more)
    own.ok(own.post(PROJECTS, body, "unit"))
    return str(body["pro_code"])


def stored(own: HttpTreasury, **more: Any) -> str:
    pro_code = reported(own, **more)
    own.ok(own.post(f"{PROJECTS}/{pro_code}/check", person="unit_checker"))
    own.ok(own.post(f"{PROJECTS}/{pro_code}/store", person="checker"))
    return pro_code


def agreed(own: HttpTreasury, waits: Any) -> Any:
    """A document of the division, to which a checker of the treasury agrees."""
    assert waits.status_code == 202, waits.text
    document = waits.json()
    assert document["awaits"] == ["treasury_checker"]
    path = f"{DIVISION}/documents/{document['kind']}/{document['number']}/approve"
    return own.ok(own.post(path, person="checker"))


def code_of(answer: Any) -> tuple[str, str]:
    assert not answer.is_success, answer.text
    return answer.json()["code"], answer.json().get("pointer", "")


def test_from_a_report_into_the_library(own: HttpTreasury) -> None:
    body = road(own)
    made = own.post(PROJECTS, body, "unit")
    assert made.status_code == 201
    assert made.json()["state"] == "reported"
    assert made.json()["commit"]["ledger"] == "440000000-0000"
    one = f"{PROJECTS}/{body['pro_code']}"
    granted = {"audit_years": [{"fiscal_year": 2027, "amt": "350.00"}]}
    checked = own.ok(own.post(f"{one}/check", granted, "unit_checker"))
    assert (checked["state"], checked["pro_total_amt"]) == ("dept_checked", "850.00")
    by_treasury = own.ok(own.post(f"{one}/check", {"level": "mof"}, "checker"))
    assert by_treasury["state"] == "mof_checked"
    done = own.ok(own.post(f"{one}/store", person="checker"))
    assert (done["state"], done["is_in_library"]) == ("in_library", True)
    assert done["years"][1] == {
        "fiscal_year": 2027,
        "amt": "350.00",
        "declared_amt": "400.00",
        "dept_check_amt": "350.00",
        "mof_check_amt": "350.00",
    }


def test_a_project_tells_who_did_what_and_where_it_stands(own: HttpTreasury) -> None:
    pro_code = reported(own)
    one = f"{PROJECTS}/{pro_code}"
    own.ok(own.post(f"{one}/return", {"reason": "里程不实"}, "unit_checker"))
    returned = own.ok(own.get(one))
    assert (returned["state"], returned["reason"]) == ("returned", "里程不实")
    own.ok(own.post(f"{one}/amend", {"reason": "核实", "pro_des": "120 公里"}, "unit"))
    own.ok(own.post(f"{one}/check", person="unit_checker"))
    last = own.ok(own.post(f"{one}/store", person="checker"))["commit"]["position"]
    shown = own.ok(own.get(one))
    steps = [(step["title"], step["by"]) for step in shown["steps"]]
    assert steps == [
        ("项目申报", "unit"),
        ("项目退回", "unit_checker"),
        ("项目修改", "unit"),
        ("项目审核", "unit_checker"),
        ("项目入库", "checker"),
    ]
    assert shown["steps"][-1]["position"] == last
    assert shown["goals"][0]["indicators"][0]["indexval"] == "120"
    before = own.ok(own.get(one, as_of_position=last - 1))
    assert (before["state"], len(before["steps"])) == ("dept_checked", 4)
    assert own.get(f"{PROJECTS}/none").json()["code"] == "not_found"


def test_figures_that_do_not_agree_are_refused_and_the_number_is_free(own: HttpTreasury) -> None:
    body = road(own)
    one_fen = {**body, "pro_total_amt": "900.01"}
    assert code_of(own.post(PROJECTS, one_fen, "unit")) == ("budget_mismatch", "/pro_total_amt")
    outside = {**body, "pro_start_year": 2027}
    assert code_of(own.post(PROJECTS, outside, "unit")) == ("budget_mismatch", "/years")
    elsewhere = {**body, "pro_code": "450000260000000000001"}
    assert code_of(own.post(PROJECTS, elsewhere, "unit")) == ("element_invalid", "/pro_code")
    own.ok(own.post(PROJECTS, body, "unit"))
    again = own.post(PROJECTS, body, "unit")
    assert again.headers["idempotent-replayed"] == "true"
    other = {**body, "pro_name": "另一项目"}
    assert own.post(PROJECTS, other, "unit").json()["code"] == "idempotency_conflict"


@pytest.mark.parametrize(
    ("wrong", "code", "pointer"),
    [
        ({"years": [{"fiscal_year": 2026, "amt": 900}]}, "invalid_amount", "/years/0/amt"),
        ({"years": [{"fiscal_year": 2026}]}, "malformed", "/years/0/amt"),
        ({"years": [{"fiscal_year": "x", "amt": "1.00"}]}, "malformed", "/years/0/fiscal_year"),
        (
            {"years": [{"fiscal_year": 2026, "amt": "900.00", "note": "x"}]},
            "malformed",
            "/years/0/note",
        ),
        ({"pro_total_amt": None}, "invalid_amount", "/pro_total_amt"),
        ({"standard_amt": 0}, "malformed", "/standard_amt"),
        (
            {"standard_code": "GY-01", "head_count": 1, "standard_amt": 0},
            "invalid_amount",
            "/standard_amt",
        ),
        ({"goals": [{"yearflag": "1", "kpi_target": ""}]}, "malformed", "/goals/0/kpi_target"),
        (
            {"goals": [{**GOALS[0], "indicators": [{"name": "x", "indexval": "\n"}]}]},
            "malformed",
            "/goals/0/indicators/0/indexval",
        ),
        ({"pro_name": ""}, "malformed", "/pro_name"),
        ({"colour": "red"}, "malformed", "/colour"),
    ],
)
def test_what_cannot_be_read_is_named_however_deep_it_lies(
    own: HttpTreasury, wrong: dict[str, Any], code: str, pointer: str
) -> None:
    assert code_of(own.post(PROJECTS, road(own, **wrong), "unit")) == (code, pointer)


def test_each_level_is_checked_in_its_own_role(own: HttpTreasury) -> None:
    pro_code = reported(own)
    one = f"{PROJECTS}/{pro_code}"
    assert own.post(f"{one}/check", person="checker").json()["code"] == "forbidden"
    treasury = {"level": "mof"}
    assert own.post(f"{one}/check", treasury, "unit_checker").json()["code"] == "forbidden"
    assert own.post(f"{one}/check", treasury, "checker").json()["code"] == "invalid_state"
    assert own.post(f"{one}/check", {"level": "x"}, "checker").json()["code"] == "malformed"
    first = own.ok(own.post(f"{one}/check", person="unit_checker"))
    again = own.post(f"{one}/check", person="unit_checker")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["state"] == first["state"] == "dept_checked"


def test_whoever_has_reported_it_checks_it_in_no_role(own: HttpTreasury) -> None:
    own.tokens["both"] = own.token("both", "unit", "unit_checker", "treasury_checker")
    body = road(own)
    own.ok(own.post(PROJECTS, body, "both"))
    one = f"{PROJECTS}/{body['pro_code']}"
    assert own.post(f"{one}/check", person="both").json()["code"] == "same_person"
    own.ok(own.post(f"{one}/check", person="unit_checker"))
    assert own.post(f"{one}/store", person="both").json()["code"] == "same_person"


def test_who_is_bound_to_units_acts_for_their_projects_alone(own: HttpTreasury) -> None:
    """``roads`` and their checker act for the units 102…"""
    theirs, ours = reported(own, agency_code="101001"), road(own, agency_code="102001")
    foreign = road(own, agency_code="101001")
    assert own.post(PROJECTS, foreign, "roads").json()["code"] == "forbidden"
    own.ok(own.post(PROJECTS, ours, "roads"))
    one, other = f"{PROJECTS}/{ours['pro_code']}", f"{PROJECTS}/{theirs}"
    rename = {"reason": "更名", "pro_name": "新名"}
    assert own.post(f"{other}/amend", rename, "roads").json()["code"] == "forbidden"
    taken = {"reason": "移交", "agency_code": "101001"}
    assert own.post(f"{one}/amend", taken, "roads").json()["code"] == "forbidden"
    own.ok(own.post(f"{one}/amend", rename, "roads"))
    assert own.post(f"{other}/check", person="roads_checker").json()["code"] == "forbidden"
    both = {"pro_codes": [theirs, ours["pro_code"]]}
    answer = own.post(f"{PROJECTS}:check", both, "roads_checker")
    assert answer.json()["code"] == "forbidden"
    own.ok(own.post(f"{one}/check", person="roads_checker"))
    assert own.get(other, "roads").json()["code"] == "forbidden"
    for person in ("roads", "roads_checker"):
        listed = own.ok(own.get(PROJECTS, person))["items"]
        assert [item["pro_code"] for item in listed] == [ours["pro_code"]]


def test_a_specific_aim_is_stored_with_its_goals(own: HttpTreasury) -> None:
    pro_code = reported(own, goals=[])
    one = f"{PROJECTS}/{pro_code}"
    own.ok(own.post(f"{one}/check", person="unit_checker"))
    assert code_of(own.post(f"{one}/store", person="checker")) == ("invalid_state", "/goals")
    own.ok(own.post(f"{one}/amend", {"reason": "补充", "goals": GOALS}, "unit"))
    own.ok(own.post(f"{one}/check", person="unit_checker"))
    own.ok(own.post(f"{one}/store", person="checker"))


# ---- changes


def test_before_the_library_a_change_is_the_units_own(own: HttpTreasury) -> None:
    one = f"{PROJECTS}/{reported(own)}"
    rename = {"change_no": own.number("XG"), "reason": "更名", "pro_name": "农村公路提升"}
    changed = own.ok(own.post(f"{one}/amend", rename, "unit"))
    assert (changed["state"], changed["version"]) == ("reported", 2)
    dated = {**rename, "change_no": own.number("XG"), "start_date": "2026-06-01"}
    assert code_of(own.post(f"{one}/amend", dated, "unit")) == ("malformed", "/start_date")
    own.ok(own.post(f"{one}/check", person="unit_checker"))
    own.ok(own.post(f"{one}/store", person="checker"))
    again = own.post(f"{one}/amend", rename, "unit")
    assert again.headers["idempotent-replayed"] == "true", "whatever it has come to since"


def test_in_the_library_others_agree_and_the_old_name_stays_with_the_old_days(
    own: HttpTreasury,
) -> None:
    pro_code = stored(own)
    one = f"{PROJECTS}/{pro_code}"
    amend = {
        "change_no": own.number("TZ"),
        "start_date": "2026-06-01",
        "reason": "规划调整",
        "pro_name": "农村公路提升",
        "pro_total_amt": "800.00",
        "years": [
            {"fiscal_year": 2026, "amt": "300.00"},
            {"fiscal_year": 2027, "amt": "500.00"},
        ],
    }
    waits = own.post(f"{one}/amend", amend, "unit")
    assert own.ok(own.get(one, as_of_effective="2026-06-01"))["pro_name"] == "农村公路改造"
    assert agreed(own, waits)["pro_name"] == "农村公路提升"
    position = own.ok(own.get(one))["steps"][-1]["position"]
    for day, name, total in (
        ("2026-05-31", "农村公路改造", "900.00"),
        ("2026-06-01", "农村公路提升", "800.00"),
    ):
        then = own.ok(own.get(one, as_of_effective=day))
        assert (then["pro_name"], then["pro_total_amt"]) == (name, total)
        [item] = [
            item
            for item in own.ok(own.get(PROJECTS, as_of_effective=day, page_size=1000))["items"]
            if item["pro_code"] == pro_code
        ]
        assert item["pro_name"] == name
    known = own.ok(own.get(one, as_of_effective="2026-06-01", as_of_position=position - 1))
    assert known["pro_name"] == "农村公路改造", "nobody knew of it then"
    versions = own.ok(own.get(one))["versions"]
    assert [each["pro_name"] for each in versions] == ["农村公路改造", "农村公路提升"]


def test_a_project_is_suspended_resumed_and_ended_by_two(own: HttpTreasury) -> None:
    one = f"{PROJECTS}/{stored(own)}"
    suspended = agreed(own, own.post(f"{one}/suspend", {"reason": "审计核查"}))
    assert (suspended["is_suspended"], suspended["is_in_library"]) == (True, False)
    resumed = agreed(own, own.post(f"{one}/resume", {"reason": "核查完毕"}))
    assert (resumed["is_suspended"], resumed["is_in_library"]) == (False, True)
    assert agreed(own, own.post(f"{one}/end"))["state"] == "ended"
    other = f"{PROJECTS}/{stored(own)}"
    assert (
        agreed(own, own.post(f"{other}/terminate", {"reason": "不再实施"}))["state"] == "terminated"
    )
    assert own.post(f"{other}/suspend", {"reason": "x"}).json()["code"] == "invalid_state"


# ---- many at once


def test_many_are_reported_checked_and_stored_each_with_its_result(own: HttpTreasury) -> None:
    bodies = [road(own, agency_code=f"103{n:03d}") for n in range(6)]
    bodies[2]["pro_total_amt"] = "900.01"
    results = own.ok(own.post(f"{PROJECTS}:batch", bodies, "unit"))["results"]
    assert [result["status"] for result in results] == ["created"] * 2 + ["refused"] + [
        "created"
    ] * 3
    assert results[2]["problem"]["code"] == "budget_mismatch"
    assert results[0]["project"]["state"] == "reported"
    codes = [body["pro_code"] for body in bodies]
    asked = {"pro_codes": codes}
    checked = own.ok(own.post(f"{PROJECTS}:check", asked, "unit_checker"))["results"]
    assert [result["status"] for result in checked] == ["created"] * 2 + ["refused"] + [
        "created"
    ] * 3
    assert checked[2]["problem"]["code"] == "not_found"
    treasury = {**asked, "level": "mof"}
    assert own.post(f"{PROJECTS}:check", treasury, "unit_checker").json()["code"] == "forbidden"
    own.ok(own.post(f"{PROJECTS}:check", treasury, "checker"))
    brief = {"headers": {"Prefer": "return=minimal"}}
    done = own.ok(own.post(f"{PROJECTS}:store", asked, "checker", **brief))["results"]
    assert done[0] == {"index": 0, "status": "created"}
    again = own.ok(own.post(f"{PROJECTS}:store", asked, "checker"))["results"]
    assert [result["status"] for result in again] == ["replayed"] * 2 + ["refused"] + [
        "replayed"
    ] * 3
    assert again[0]["project"]["is_in_library"]


def test_an_atomic_batch_leaves_all_or_nothing(own: HttpTreasury) -> None:
    bodies = [road(own) for _ in range(3)]
    bodies[1]["pro_start_year"] = 2027
    results = own.ok(own.post(f"{PROJECTS}:batch?mode=atomic", bodies, "unit"))["results"]
    assert [result["problem"]["code"] for result in results] == [
        "batch_aborted",
        "budget_mismatch",
        "batch_aborted",
    ]
    for body in bodies:
        assert own.get(f"{PROJECTS}/{body['pro_code']}").status_code == 404


def test_lists_are_by_unit_state_and_category_in_pages(own: HttpTreasury) -> None:
    of_unit = {"agency_code": "104001"}
    codes = sorted(reported(own, **of_unit) for _ in range(5))
    running = reported(own, **of_unit, pro_cat_code="22")
    own.ok(own.post(f"{PROJECTS}/{codes[0]}/check", person="unit_checker"))
    first = own.ok(own.get(PROJECTS, **of_unit, page_size=4))
    rest = own.ok(own.get(PROJECTS, **of_unit, page_size=4, cursor=first["next_cursor"]))
    assert rest["next_cursor"] is None
    listed = [item["pro_code"] for item in first["items"] + rest["items"]]
    assert listed == sorted([*codes, running])
    for filters, expected in (
        ({"state": "dept_checked"}, [codes[0]]),
        ({"pro_cat_code": "22"}, [running]),
        ({"state": "ended"}, []),
    ):
        found = own.ok(own.get(PROJECTS, **of_unit, **filters))["items"]
        assert [item["pro_code"] for item in found] == expected
    assert own.get(PROJECTS, state="lost").json()["code"] == "malformed"

"""一数之源 over HTTP: each element has one source, and its consumers follow from the program."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.deciding.command import commands
from ledger.elements.code_sets import ElementRegister
from ledger.elements.register import OF_THE_ACT
from ledger.postgres.database import Database
from tests.support.http_server import HttpTreasury, http_treasury_on


@pytest.fixture(scope="module")
def http(module_database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(module_database) as opened:
        yield opened


@pytest.fixture(scope="module")
def elements(http: HttpTreasury) -> dict[str, dict[str, Any]]:
    found = http.ok(http.get("/v1/elements"))["items"]
    return {element["name"]: element for element in found}


def test_each_element_has_one_writing_channel(elements: dict[str, dict[str, Any]]) -> None:
    """Whatever a command says beside its own channel's elements, it refers to."""
    assert elements.keys() == ElementRegister.ELEMENTS.keys()
    channel_of = {operation: cls.CHANNEL for operation, cls in commands().items()}
    for name, element in elements.items():
        writing = {channel_of[operation] for operation in element["entered_by"]}
        if element["channel"] in ("", OF_THE_ACT):
            assert bool(writing) == bool(element["channel"]), name
        else:
            assert writing == {element["channel"]}, name
        assert not set(element["entered_by"]) & set(element["referred_by"]), name


def test_an_element_is_shown_with_all_who_use_it(
    http: HttpTreasury, elements: dict[str, dict[str, Any]]
) -> None:
    project = http.ok(http.get("/v1/elements/pro_code"))
    assert {name: project[name] for name in elements["pro_code"]} == elements["pro_code"]
    assert project["kept_in"] == "/v1/divisions/{mof_div_code}/projects"
    assert (project["channel"], project["is_coded"]) == ("项目申报", True)
    assert "project.report" in project["entered_by"]
    assert {"payment.apply", "indicator.issue", "budget_draft.enter"} <= set(project["referred_by"])
    assert {"payment.applied", "indicator.issued", "budget_row.asked"} <= set(project["carried_by"])
    assert "budget_row.replied" in project["rules"]


def test_codes_are_shown_with_their_days_and_as_they_were_known(http: HttpTreasury) -> None:
    """A division loads two codes of its own for a year: they are there from then on, for it."""
    place, own = "/v1/elements/fund_type_code", "440500000"
    before = http.ok(http.get(place))
    assert {row["code"]: row["name"] for row in before["codes"]}["111"]
    assert {(row["start_date"], row["end_date"]) for row in before["codes"]} == {(None, None)}
    head = "element,code,name,parent,start_date,end_date,mof_div_code,fiscal_year\n"
    rows = (
        f"fund_type_code,1119,试点资金,111,2026-01-01,2026-12-31,{own},2026\n"
        f"fund_type_code,1118,试点资金二,111,2026-07-01,,{own},\n"
    )
    loads = "/v1/divisions/440500000/code-sets"
    http.alone_in_divisions()
    loaded = http.ok(http.call("POST", loads, "admin", content=(head + rows).encode()))
    position = loaded["commit"]["position"]

    def of(**asked: Any) -> list[str]:
        found = http.ok(http.get(place, code="111", **asked))["codes"]
        return [row["code"] for row in found if len(row["code"]) > 3]

    now = http.ok(http.get(place, code="1119"))
    assert now["codes_version"] == loaded["version"] != before["codes_version"]
    [row] = now["codes"]
    assert (row["start_date"], row["end_date"]) == ("2026-01-01", "2026-12-31")
    assert (row["mof_div_code"], row["fiscal_year"]) == (own, "2026")
    assert of() == ["1118", "1119"]
    assert of(mof_div_code="440501000") == ["1118", "1119"], "below it, too"
    assert of(mof_div_code="440600000") == []
    assert of(as_of_effective="2026-06-30") == ["1119"]
    assert of(as_of_effective="2027-01-01") == ["1118"]
    assert of(as_of_position=position - 2) == [], "a load is two events"
    assert of(as_of_position=position) == ["1118", "1119"]
    assert of(as_of_recorded="2020-01-01T00:00:00+08:00") == []


def test_every_element_of_the_register_is_shown(
    http: HttpTreasury, elements: dict[str, dict[str, Any]]
) -> None:
    for name, element in elements.items():
        shown = http.ok(http.get(f"/v1/elements/{name}"))
        assert {field: shown[field] for field in element} == element, name
        assert not shown["codes"] or shown["is_coded"], name


def test_what_is_no_element(http: HttpTreasury) -> None:
    unknown = http.get("/v1/elements/colour")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")

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
    assert project == elements["pro_code"]
    assert (project["channel"], project["is_coded"]) == ("项目申报", True)
    assert "project.report" in project["entered_by"]
    assert {"payment.apply", "indicator.issue", "budget_draft.enter"} <= set(project["referred_by"])
    assert {"payment.applied", "indicator.issued", "budget_row.asked"} <= set(project["carried_by"])
    assert "budget_row.replied" in project["rules"]


def test_what_is_no_element(http: HttpTreasury) -> None:
    unknown = http.get("/v1/elements/colour")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")

"""What a run waits for is said at every stage, and what broke off goes on by itself."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from api.http.models.enums import RunWait
from ledger.postgres.database import Database
from payments.disbursement.execution import WINDOW, Execution, Executions, Means
from payments.disbursement.resuming import Resuming
from payments.disbursement.waiting import RUN_WAITS
from tests.support.disbursement_runs import HttpRun, csv_of
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.waiting import wait_until

ALL = 3 * WINDOW


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    """Nothing is carried on here but what a test carries on."""
    with http_treasury_on(database, run_resume_s=0.0) as http:
        yield http


def waits(run: HttpRun) -> tuple[str, str]:
    found = run.show()["waits_for"]
    return (found["code"], found["detail"]) if found else ("", "")


def broken_off(
    run: HttpRun, monkeypatch: pytest.MonkeyPatch, signer: str = "signer"
) -> dict[str, Any]:
    """The run where its execution ended between drawing and signing its first vouchers."""
    with monkeypatch.context() as patch:
        patch.setattr(Execution, "_sign", _fail)
        run.http.ok(run.act("execute", signer))
        return run.at_rest()


def _fail(_execution: Execution, pay_app_nos: list[str]) -> None:
    if pay_app_nos:
        raise ConnectionError("as when a process ends here")


def test_every_stage_says_whom_it_waits_for(http: HttpTreasury) -> None:
    run = HttpRun(http)
    assert waits(run) == ("awaiting_lines", "")
    http.ok(run.load(csv_of(600)))
    assert waits(run) == ("awaiting_approval", "")
    http.ok(run.approve())
    assert waits(run) == ("awaiting_signer", "treasury")
    run.executed()
    assert waits(run) == ("awaiting_bank", "2 vouchers")
    first, second = run.payments(2)
    run.receive(first)
    assert waits(run) == ("awaiting_bank", "1 vouchers")
    run.receive(second)
    assert waits(run) == ("", "")


def test_the_next_role_is_named(http: HttpTreasury) -> None:
    run = HttpRun(http)
    policy = "/v1/ledgers/" + http.ledger + "/signature-policy"
    http.ok(http.call("PUT", policy, "admin", json={"roles": ["finance_first", "treasury"]}))
    run.approved(csv_of(2))
    assert waits(run) == ("awaiting_signer", "finance_first")
    run.executed("first")
    assert waits(run) == ("awaiting_signer", "treasury")
    run.executed("signer")
    assert waits(run) == ("awaiting_bank", "1 vouchers")


def another_server(http: HttpTreasury) -> Resuming:
    """What the next server does, or this one after its start."""
    treasury = http.treasury
    means = Means(treasury.pool, treasury.sequencer, treasury.signing)
    return Resuming(means, Executions(means), every_s=1.0)


def test_a_run_that_broke_off_between_drawing_and_signing_goes_on_by_itself(
    http: HttpTreasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said executed, its vouchers were drawn and unsigned, and nobody went on."""
    run = HttpRun(http).approved(csv_of(499))
    shown = broken_off(run, monkeypatch)
    assert (shown["status"], shown["vouchers"]) == ("executed", {"approved": 1})
    assert waits(run) == ("resuming", "treasury")
    another_server(http).look()
    assert run.at_rest()["vouchers"] == {"signed": 1}
    [signature] = http.ok(http.get(f"…/payments/{run.payments(1)[0]}"))["signatures"]
    assert signature["by"] == "signer", "in the name of who has taken it on"


def test_a_run_that_broke_off_on_the_way_is_drawn_to_its_end(
    http: HttpTreasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = HttpRun(http).approved(csv_of(499 * ALL))
    shown = broken_off(run, monkeypatch)
    assert shown["status"] == "executing"
    assert 0 < shown["drawn_count"] < ALL
    assert waits(run) == ("resuming", "treasury")
    another_server(http).look()
    shown = run.at_rest()
    assert (shown["status"], shown["vouchers"]) == ("executed", {"signed": ALL})


def test_a_server_looks_by_itself(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_treasury_on(database, run_resume_s=0.05) as http:
        run = HttpRun(http).approved(csv_of(2))
        with monkeypatch.context() as patch:
            patch.setattr(Execution, "_sign", _fail)
            http.ok(run.act("execute", "signer"))
            wait_until(lambda: run.show()["vouchers"] == {"approved": 1})
        wait_until(lambda: run.show()["vouchers"] == {"signed": 1})


def test_what_came_to_wait_for_a_role_after_its_signer_had_asked_is_not_his_yet(
    http: HttpTreasury,
) -> None:
    run = HttpRun(http)
    policy = "/v1/ledgers/" + http.ledger + "/signature-policy"
    http.ok(http.call("PUT", policy, "admin", json={"roles": ["finance_first", "treasury"]}))
    run.approved(csv_of(2))
    run.executed("signer")  # nothing is drawn yet, and drawing is for the first to sign
    run.executed("first")
    another_server(http).look()
    assert run.at_rest()["vouchers"] == {"approved": 1}
    assert waits(run) == ("awaiting_signer", "treasury")


def test_whoever_has_lost_his_role_is_not_signed_for(
    http: HttpTreasury, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = HttpRun(http).approved(csv_of(2))
    broken_off(run, monkeypatch)
    with psycopg.connect(database.owner_conninfo, autocommit=True) as connection:
        connection.execute("UPDATE persons SET has_ended = true WHERE principal_key = 'signer'")
    another_server(http).look()
    assert run.at_rest()["vouchers"] == {"approved": 1}
    assert waits(run) == ("awaiting_signer", "treasury")


@pytest.mark.parametrize(
    ("prefixes", "becomes", "waiting"),
    [
        ("{102}", {"approved": 1}, ("awaiting_signer", "unit")),
        ("{102,101}", {"signed": 1}, ("awaiting_bank", "1 vouchers")),
    ],
)
def test_a_unit_is_not_signed_for_where_it_may_not_sign_any_more(
    http: HttpTreasury,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    prefixes: str,
    becomes: dict[str, int],
    waiting: tuple[str, str],
) -> None:
    """Narrowed to other units after it had executed, it went on signing for this one."""
    policy = "/v1/ledgers/" + http.ledger + "/signature-policy"
    http.ok(http.call("PUT", policy, "admin", json={"roles": ["unit"]}))
    run = HttpRun(http).approved(csv_of(2))
    broken_off(run, monkeypatch, "unit")
    with psycopg.connect(database.owner_conninfo, autocommit=True) as connection:
        connection.execute(
            "UPDATE persons SET agency_prefixes = %s WHERE principal_key = 'unit'", (prefixes,)
        )
    another_server(http).look()
    assert run.at_rest()["vouchers"] == becomes
    assert waits(run) == waiting


def test_a_stopped_run_says_why_and_is_left_alone(
    http: HttpTreasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = HttpRun(http).approved(csv_of(499 * ALL))
    broken_off(run, monkeypatch)
    http.ok(run.act("stop", "signer", {"reason": "复核"}))
    another_server(http).look()
    assert not run.show()["under_way"]
    assert waits(run) == ("stopped", "复核")


def test_the_words_of_the_contract_are_those_that_are_said() -> None:
    assert {wait.value for wait in RunWait} == set(RUN_WAITS)

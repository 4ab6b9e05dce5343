"""What a year has budgeted for a project is not taken from its plan, whoever asks at the moment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from ledger.account_set import standing_ledger
from ledger.postgres.database import Database
from tests.support.http_budgets import (
    DIVISION,
    approval,
    budget_of,
    ceiling,
    drafted,
    project,
)
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.redeciding import found, taken_again
from tests.support.waiting import HANG_S, lock_waiters, wait_until


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(module_database) as opened:
        opened.alone_in_divisions().open()
        ceiling(opened, "999999.00")
        yield opened


def planned(own: HttpTreasury, pro_code: str, amt: str) -> Any:
    """The project's only year is to be this from now on."""
    years = [{"fiscal_year": 2026, "amt": amt}]
    change = {"reason": "核减", "pro_total_amt": amt, "years": years}
    return own.post(f"{DIVISION}/projects/{pro_code}/amend", change)


def test_a_year_keeps_what_it_has_budgeted(own: HttpTreasury, module_database: Database) -> None:
    """1,000.00 were planned and 700.00 of it budgeted: 300.00 may go, and not a fen more."""
    pro_code = budget_of(own, "300.00", "400.00", planned="1000.00")
    refused = planned(own, pro_code, "699.99")
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_budget")
    told = {
        name: refused.json()[name] for name in ("fiscal_year", "available_amt", "requested_amt")
    }
    assert told == {"fiscal_year": 2026, "available_amt": "699.99", "requested_amt": "700.00"}
    assert own.ok(planned(own, pro_code, "700.00"))["pro_total_amt"] == "700.00"
    conninfo = module_database.app_conninfo
    assert found(taken_again(conninfo, standing_ledger("440000000"))) == []


def test_who_cuts_a_plan_waits_for_a_year_that_is_budgeting(
    own: HttpTreasury, module_database: Database
) -> None:
    """The year's batch holds its head: what it budgets is seen by whoever cuts the plan."""
    pro_code = budget_of(own, "600.00", planned="1000.00")
    with (
        ThreadPoolExecutor(1) as other,
        psycopg.connect(module_database.owner_conninfo) as year,
        psycopg.connect(module_database.owner_conninfo, autocommit=True) as watching,
    ):
        year.execute("SELECT FROM ledgers WHERE ledger_id = 4400000002026 FOR UPDATE")
        asked = other.submit(planned, own, pro_code, "500.00")
        wait_until(lambda: lock_waiters(watching))
        assert not asked.done()
        year.execute(
            "UPDATE registers SET amounts[1] = 45000 WHERE register = 'project_budget'"
            " AND key = %s",
            (pro_code,),
        )
        year.commit()
        assert own.ok(asked.result(HANG_S))["pro_total_amt"] == "500.00"


def test_years_that_have_budgeted_nothing_leave_a_plan_as_it_is(own: HttpTreasury) -> None:
    pro_code = budget_of(own, "600.00", planned="1000.00")
    raised = [{"fiscal_year": 2026, "amt": "600.00"}, {"fiscal_year": 2027, "amt": "100.00"}]
    longer = {"reason": "延期", "pro_term": 2, "pro_total_amt": "700.00", "years": raised}
    amend = f"{DIVISION}/projects/{pro_code}/amend"
    own.ok(own.post(amend, longer))
    shorter = {"reason": "缩短", "pro_term": 1, "pro_total_amt": "600.00", "years": raised[:1]}
    own.ok(own.post(amend, shorter))


AMENDING = 202  # of the advisory locks of this module
HELD_WHILE_AMENDING = f"""
CREATE OR REPLACE FUNCTION wait_while_amending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock({AMENDING}); RETURN NEW; END $$;
CREATE OR REPLACE TRIGGER wait_while_amending BEFORE INSERT ON events FOR EACH ROW
WHEN (NEW.type = 'project.amended') EXECUTE FUNCTION wait_while_amending();
"""


def test_a_year_that_waits_for_an_amendment_decides_by_it(
    own: HttpTreasury, module_database: Database
) -> None:
    """The amendment was told, under the year's lock, that nothing is budgeted; whoever has waited
    for that lock budgeted by the plan as it was before, and more than the project has left."""
    pro_code = project(own, "1000.00")
    draft_no = drafted(own, pro_code, "1000.00")
    own.ok(own.post(f"…/budget-drafts/{draft_no}/check", person="checker"))
    with (
        ThreadPoolExecutor(2) as others,
        psycopg.connect(module_database.owner_conninfo, autocommit=True) as held,
    ):
        held.execute(HELD_WHILE_AMENDING.encode())
        held.execute("SELECT pg_advisory_lock(%s)", (AMENDING,))
        amended = others.submit(planned, own, pro_code, "500.00")
        wait_until(lambda: len(lock_waiters(held)) == 1)
        approved = others.submit(own.post, "…/budget-approvals", approval(own, draft_no))
        wait_until(lambda: len(lock_waiters(held)) == 2)
        held.execute("SELECT pg_advisory_unlock(%s)", (AMENDING,))
        own.ok(amended.result(HANG_S))
        refused = approved.result(HANG_S)
        held.execute("DROP TRIGGER wait_while_amending ON events")
    assert (refused.status_code, refused.json()["code"]) == (422, "budget_mismatch")

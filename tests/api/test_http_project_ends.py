"""A project ends when nothing is left of it in any year, whoever is paying at the moment."""

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
    code_of,
    drafted,
    indicator,
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


def terminate(own: HttpTreasury, pro_code: str, act: str = "terminate") -> Any:
    return own.post(f"{DIVISION}/projects/{pro_code}/{act}", {"reason": "不再实施"})


def left(answer: Any) -> tuple[str, int, str]:
    body = answer.json()
    return body["code"], body["fiscal_year"], body["available_amt"]


def cut(own: HttpTreasury, pro_code: str, amt: str, kind: str = "cut") -> Any:
    place = "from_bgt_pman_id" if kind == "cut" else "to_bgt_pman_id"
    body = {
        "adj_no": own.number("TZ"),
        "kind": kind,
        "parts": [{place: f"{pro_code}-0", "amt": amt}],
        "approval_doc_no": "批1",
        "reason": "终止",
    }
    return own.post("…/budget-adjustments", body)


def test_what_is_not_paid_is_taken_back_before_a_project_ends(
    own: HttpTreasury, module_database: Database
) -> None:
    """Of a row of 1,000.00 an indicator has 600.00, of which 250.00 is paid, 100.00 applied for and
    50.00 frozen. Each link is taken back in turn, and before the last one the project stays."""
    pro_code = budget_of(own, "1000.00")
    body = indicator(own, pro_code, "600.00")
    bgt_id = own.ok(own.post("…/indicators", body))["bgt_id"]
    own.paid(bgt_id, "250.00", pro_code=pro_code)
    number = own.applied(bgt_id, "100.00", pro_code=pro_code)
    own.ok(own.post(f"…/indicators/{bgt_id}/freezes", {"freeze_no": "F1", "amt": "50.00"}))
    for act in ("terminate", "end"):
        assert left(terminate(own, pro_code, act)) == ("invalid_state", 2026, "750.00")

    own.ok(own.post(f"…/payments/{number}/withdraw"))
    own.ok(own.post(f"…/indicators/{bgt_id}/unfreezes", {"freeze_no": "U1", "amt": "50.00"}))
    back = {"adj_no": own.number("ZJ"), "adj_amt": "-350.00", "reason": "收回"}
    own.ok(own.post(f"…/indicators/{bgt_id}/adjustments", back))
    assert left(terminate(own, pro_code)) == ("invalid_state", 2026, "750.00"), "its row has it"
    own.ok(cut(own, pro_code, "749.99"))
    assert left(terminate(own, pro_code)) == ("invalid_state", 2026, "0.01")
    own.ok(cut(own, pro_code, "0.01"))
    assert own.ok(terminate(own, pro_code))["state"] == "terminated"
    assert own.ok(terminate(own, pro_code))["state"] == "terminated", "asked again"

    assert code_of(cut(own, pro_code, "0.01", "addition")) == "insufficient_budget"
    conninfo = module_database.app_conninfo
    assert found(taken_again(conninfo, standing_ledger("440000000"))) == []
    assert found(taken_again(conninfo, 4400000002026)) == []


def test_what_is_pending_is_left_of_it_too(own: HttpTreasury) -> None:
    pro_code = budget_of(own, "80.00")
    body = indicator(own, pro_code, "80.00", bgt_exe_flag=2)
    bgt_id = own.ok(own.post("…/indicators", body))["bgt_id"]
    assert left(terminate(own, pro_code, "end")) == ("invalid_state", 2026, "80.00")
    recall = {"recall_no": own.number("SH"), "amt": "80.00", "reason": "收回"}
    own.ok(own.post(f"…/indicators/{bgt_id}/recall", recall))
    own.ok(cut(own, pro_code, "80.00"))
    assert own.ok(terminate(own, pro_code, "end"))["state"] == "ended"


def test_a_draft_of_what_is_suspended_or_over_is_not_approved(own: HttpTreasury) -> None:
    """It was entered while the project was in the library, and was approved all the same."""
    pro_code = project(own, "100.00")
    draft_no = drafted(own, pro_code, "100.00")
    own.ok(own.post(f"…/budget-drafts/{draft_no}/check", person="checker"))
    one = f"{DIVISION}/projects/{pro_code}"
    own.ok(own.post(f"{one}/suspend", {"change_no": "ZT", "reason": "核查"}))
    asked = approval(own, draft_no)
    assert code_of(own.post("…/budget-approvals", asked)) == "budget_mismatch"
    own.ok(own.post(f"{one}/resume", {"change_no": "HF", "reason": "核毕"}))
    own.ok(own.post("…/budget-approvals", approval(own, draft_no)))


def test_who_ends_a_project_waits_for_a_year_that_is_issuing(
    own: HttpTreasury, module_database: Database
) -> None:
    """The year's batch holds its head: what it leaves is seen by whoever ends the project."""
    pro_code = budget_of(own, "10.00")
    own.ok(cut(own, pro_code, "10.00"))
    with (
        ThreadPoolExecutor(1) as other,
        psycopg.connect(module_database.owner_conninfo) as year,
        psycopg.connect(module_database.owner_conninfo, autocommit=True) as watching,
    ):
        year.execute("SELECT FROM ledgers WHERE ledger_id = 4400000002026 FOR UPDATE")
        asked = other.submit(terminate, own, pro_code)
        wait_until(lambda: lock_waiters(watching))
        assert not asked.done()
        year.execute(
            "UPDATE registers SET amounts[1] = 5 WHERE register = 'budget_row' AND key = %s",
            (f"{pro_code}-0",),
        )
        year.commit()
        assert left(asked.result(HANG_S)) == ("invalid_state", 2026, "0.05")

"""Budgets over HTTP, for tests: projects in the library, drafts, approvals, indicators of rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from api.tokens import create_token
from ledger.postgres.database import Database
from tests.support.bookkeeper import ELEMENTS
from tests.support.budgets import ROW
from tests.support.http_server import HttpTreasury, http_treasury_on

DIVISION = "/v1/divisions/440000000"
SCHOOL = ELEMENTS["agency_code"]


@contextmanager
def open_budget(database: Database) -> Iterator[HttpTreasury]:
    """A treasury with standing data of its division, and a unit beside the school."""
    with http_treasury_on(database) as opened:
        opened.alone_in_divisions().open()
        with opened.treasury.pool.connection() as connection:
            opened.tokens["other_unit"] = create_token(
                connection,
                "other.unit",
                ("unit",),
                "44",
                opened.treasury.sequencer.conditions,
                agency_prefixes=["102"],
            )
        yield opened


def project(own: HttpTreasury, amt: str = "1000.00", **more: Any) -> str:
    """A project in the library, of which so much is planned for this year."""
    pro_code = f"4400002600000{own.number('')[1:]:0>8}"
    body = {
        "pro_code": pro_code,
        "pro_name": "教学楼修缮",
        "agency_code": SCHOOL,
        "pro_cat_code": "22",
        "pro_total_amt": amt,
        "pro_start_year": 2026,
        "pro_term": 1,
        "years": [{"fiscal_year": 2026, "amt": amt}],
        **more,
    }
    own.ok(own.post(f"{DIVISION}/projects", body, "unit"))
    own.ok(own.post(f"{DIVISION}/projects/{pro_code}/check", person="unit_checker"))
    own.ok(own.post(f"{DIVISION}/projects/{pro_code}/store", person="checker"))
    return pro_code


def rows(pro_code: str, *amounts: str, key: str = "R") -> list[dict[str, Any]]:
    return [
        {**ROW, "pro_code": pro_code, "bgt_pman_id": f"{key}-{index}", "amt": amt}
        for index, amt in enumerate(amounts)
    ]


def drafted(
    own: HttpTreasury, pro_code: str, *amounts: str, of_round: int = 2, **codes: Any
) -> str:
    """A draft that its unit has submitted."""
    draft_no = own.number("ES")
    body = {
        "draft_no": draft_no,
        "agency_code": SCHOOL,
        "round": of_round,
        "rows": [{**each, **codes} for each in rows(pro_code, *amounts, key=pro_code)],
    }
    own.ok(own.post("…/budget-drafts", body, "unit"))
    own.ok(own.post(f"…/budget-drafts/{draft_no}/submit", person="unit"))
    return draft_no


def ceiling(own: HttpTreasury, amt: str) -> None:
    body = {
        "ceiling_no": own.number("KZ"),
        "agency_code": SCHOOL,
        "fund_type_code": "111",
        "pro_cat_code": "22",
        "amt": amt,
    }
    own.ok(own.post("…/ceilings", body))


def approval(own: HttpTreasury, *draft_nos: str) -> dict[str, Any]:
    return {
        "approve_doc_no": own.number("PF"),
        "approved_on": "2026-01-20",
        "draft_nos": list(draft_nos),
    }


def indicator(
    own: HttpTreasury, pro_code: str, amount: str, row: int = 0, **codes: Any
) -> dict[str, Any]:
    return {
        **ELEMENTS,
        "pro_code": pro_code,
        "bgt_id": own.number("ZB"),
        "bgt_pman_id": f"{pro_code}-{row}",
        "amount": amount,
        **codes,
    }


def code_of(answer: Any) -> str:
    return str(answer.json()["code"])


def budget_of(own: HttpTreasury, *amounts: str, planned: str = "", **codes: Any) -> str:
    """An approved row for each amount, numbered from 0 behind the code of their project."""
    pro_code = project(own, planned or amounts[0])
    draft_no = drafted(own, pro_code, *amounts, **codes)
    own.ok(own.post(f"…/budget-drafts/{draft_no}/check", person="checker"))
    own.ok(own.post("…/budget-approvals", approval(own, draft_no)))
    return pro_code


def row_of(own: HttpTreasury, pro_code: str, row: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = own.ok(own.get(f"…/budget-rows/{pro_code}-{row}"))
    return answer

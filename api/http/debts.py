"""地方政府债务: limits, bonds and what comes for them; what is owed tells the report ``debts``."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from accounting.bond_issuing import IssueBond
from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, page_after, whole_place_after
from api.http.parameters import BondCode
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import shown_object
from api.http.units import is_own, require_agencies
from api.http.views import Committed, commit_view
from budget.debts import BOND, AccrueInterest, Bond, RegisterBond, SetDebtLimit
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import stored_fen, yuan
from projections.orders import orders_after

_LEDGER = "/v1/ledgers/{ledger}"
_ALL = _LEDGER + "/bonds"
_ONE = _ALL + "/{bond_code}"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class DebtLimitView(msgspec.Struct, kw_only=True):
    """The limits as they were set; what is left of them tells the report ``debt_limits``."""

    ledger: str
    debt_limit_no: str
    general_amt: str
    special_amt: str
    approval_doc_no: str
    commit: Committed = UNSET


class BondStepView(msgspec.Struct, kw_only=True, gc=False):
    """What came for a bond, or what interest was accrued, by its number."""

    number: str
    amt: str


class BondView(msgspec.Struct, kw_only=True):
    """A bond, or with ``from_div_code`` a loan of the tier above 转贷; ``issued_amt`` is what has
    come for it, with what the ledger began with."""

    ledger: str
    bond_code: str
    bond_name: str
    bond_type_code: str
    principal_amt: str
    int_rate: str
    int_times: str
    issue_date: str
    due_date: str
    pro_code: str
    from_div_code: str
    opening_amt: str
    issued_amt: str
    issues: list[BondStepView]
    accruals: list[BondStepView]
    by: str
    commit: Committed = UNSET


def _view(key: int, bond: Bond, commit: Any = UNSET) -> BondView:
    registered = bond.registered
    issued_fen = sum(stored_fen(issue.amt) for issue in bond.issues)
    return BondView(
        ledger=ledger_text(key),
        bond_code=registered.bond_code,
        bond_name=registered.bond_name,
        bond_type_code=registered.bond_type_code,
        principal_amt=registered.principal_amt,
        int_rate=registered.int_rate,
        int_times=registered.int_times,
        issue_date=registered.issue_date,
        due_date=registered.due_date,
        pro_code=registered.pro_code,
        from_div_code=registered.from_div_code,
        opening_amt=registered.opening_amt,
        issued_amt=yuan(issued_fen + stored_fen(bond.begun_amt)),
        issues=[BondStepView(number=issue.issue_no, amt=issue.amt) for issue in bond.issues],
        accruals=[BondStepView(number=each.int_accrual_no, amt=each.amt) for each in bond.accruals],
        by=registered.by,
        commit=commit,
    )


def _done(key: int, _command: Command, outcome: Outcome) -> BondView:
    bond = next(each for each in outcome.subjects if isinstance(each, Bond))
    return _view(key, bond, commit_view(outcome.commit))


def _limit(key: int, command: Command, outcome: Outcome) -> DebtLimitView:
    assert isinstance(command, SetDebtLimit)
    return DebtLimitView(
        ledger=ledger_text(key),
        debt_limit_no=command.debt_limit_no,
        general_amt=command.general_amt,
        special_amt=command.special_amt,
        approval_doc_no=command.approval_doc_no,
        commit=commit_view(outcome.commit),
    )


@router.get(
    _ALL,
    operation_id="bond.list",
    summary="Bonds in the order in which they were registered 债券",
    response_model=Page[BondView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_all(call: LedgerRead, asked: AskedPage) -> Response:
    """They are the treasury's own: a unit sees none."""
    key = await admit(call)
    await wait_for_head(call, key)
    after = whole_place_after(call, asked.cursor)
    page = await call.read(lambda c: orders_after(c, key, BOND, after, asked.size))
    items = [_view(key, each) for each in page.items] if is_own(call, "") else []
    place = None if page.after is None else str(page.after)
    return call.respond(page_after(call, items, place), position=page.position)


@router.get(
    _ONE,
    operation_id="bond.show",
    summary="A bond with what came for it and what interest was accrued",
    response_model=BondView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_bond(call: LedgerRead, bond_code: BondCode) -> Response:
    key = await admit(call, number=bond_code)
    position, bond = await shown_object(call, key, BOND, bond_code)
    await require_agencies(call, key, [(bond_code, "")])
    return call.respond(_view(key, bond), position=position)


_CODES = (Code.PERIOD_CLOSED, Code.FUTURE_DATE, Code.ELEMENT_INVALID)

DIRECT = (
    CommandRoute(
        SetDebtLimit,
        _LEDGER + "/debt-limits",
        right=Right.BUDGET,
        view=_limit,
        answer=DebtLimitView,
        summary="Say how much may be owed 债务限额",
        tag=Tag.BOOKS,
        status=201,
        codes=(Code.PERIOD_CLOSED, Code.INSUFFICIENT_CEILING),
    ),
    CommandRoute(
        RegisterBond,
        _ALL,
        right=Right.BUDGET,
        view=_done,
        answer=BondView,
        summary="Register a bond, or a loan of the tier above 债券登记",
        tag=Tag.BOOKS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.ELEMENT_INVALID,
            Code.INSUFFICIENT_CEILING,
            Code.INVALID_STATE,
        ),
    ),
    CommandRoute(
        IssueBond,
        _ONE + "/issues",
        in_path=("bond_code",),
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=BondView,
        summary="Say which bond reported debt income is of 债券发行登记",
        tag=Tag.BOOKS,
        status=201,
        codes=(
            *_CODES,
            Code.EXCEEDS_RECEIVED,
            Code.EXCEEDS_DEBT,
            Code.INSUFFICIENT_CEILING,
        ),
    ),
    CommandRoute(
        AccrueInterest,
        _ONE + "/interest-accruals",
        in_path=("bond_code",),
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=BondView,
        summary="Accrue the interest of a bond 计提利息",
        tag=Tag.BOOKS,
        status=201,
        codes=(*_CODES, Code.INVALID_STATE),
    ),
)

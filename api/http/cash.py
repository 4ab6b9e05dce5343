"""库款: what lies at the treasury, by account and kind of fund."""

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.moments import AsOf, wait_for_head
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import Operation
from api.http.units import require_agencies, require_all_units
from ledger.account_set import ledger_text
from ledger.money import yuan
from payments.special_accounts.cash import FUND, UNIT_FUND
from projections.cash import CashAt, cash_at

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class CashAccountView(msgspec.Struct, kw_only=True):
    """``acct`` is the tre_code or acct_no, "" for what was claimed before any was named;
    ``fund_type_code`` the kind: 11, 12, 13 at the treasury, 2 in a special account 财政专户, 3 in a
    unit's own. ``balance`` is that of 国库存款, or what lies in the account, ``bonds`` what of it
    came from bonds (112, 122); ``free`` is what is not claimed, or not applied for."""

    acct: str
    fund_type_code: str
    balance: str
    claimed: str
    free: str
    bonds: str


class CashView(msgspec.Struct, kw_only=True):
    """库款, or a unit's own money; ``cash_control`` says whether claims above what is free are
    refused, ``total`` is the balance of all. ``placed_amt`` is with banks 国库现金管理, in no
    account here."""

    ledger: str
    cash_control: bool
    accounts: list[CashAccountView]
    total: str
    placed_amt: str


@router.get(
    "/v1/ledgers/{ledger}/cash",
    operation_id="cash.show",
    summary="Cash at the treasury by account and kind of fund 库款",
    response_model=CashView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_cash(call: LedgerRead, moment: AsOf, agency_code: str | None = None) -> Response:
    """Now, or as of a moment; with ``agency_code`` what is in that unit's own accounts 单位资金."""
    key = await admit(call)
    if agency_code:
        await require_agencies(call, key, [(agency_code, agency_code)])
    else:
        await require_all_units(call, key, "the treasury's cash")
    await wait_for_head(call, key)
    found = await call.read(
        lambda connection: cash_at(connection, key, call.treasury.charts, moment)
    )
    return call.respond(_view(key, found, agency_code or ""), position=found.position)


def _view(key: int, found: CashAt, agency_code: str) -> CashView:
    at_treasury = {} if agency_code else found.rows
    elsewhere = {no: row for (of, no), row in found.special.items() if of == agency_code}
    return CashView(
        ledger=ledger_text(key),
        cash_control=found.is_controlled,
        accounts=[
            CashAccountView(
                acct=acct,
                fund_type_code=kind,
                balance=yuan(row.balance),
                claimed=yuan(row.claimed),
                free=yuan(row.free),
                bonds=yuan(row.bonds),
            )
            for (acct, kind), row in at_treasury.items()
        ]
        + [
            CashAccountView(
                acct=acct_no,
                fund_type_code=UNIT_FUND if agency_code else FUND,
                balance=yuan(special.balance),
                claimed=yuan(special.claimed),
                free=yuan(special.free),
                bonds=yuan(0),
            )
            for acct_no, special in elsewhere.items()
        ],
        total=yuan(
            sum(row.balance for row in at_treasury.values())
            + sum(row.balance for row in elsewhere.values())
        ),
        placed_amt=yuan(0 if agency_code else found.placed_fen),
    )

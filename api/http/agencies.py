"""单位: units registered, changed and ended by days; one, many, and lists as of any moment."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter

from api.http.by_day import Resource
from api.http.call import Call
from api.http.division_routes import division_of
from api.http.models.enums import Tag
from api.http.routes import Operation
from division.agency import AGENCIES, AGENCY, ChangeAgency, RegisterAgency
from division.learning import read_banks
from ledger.account_set import ledger_id
from ledger.deciding.command import Command
from ledger.deciding.state import BEIJING
from ledger.errors import Code, Refusal
from ledger.reading.standing_heads import read_standing_heads

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])


async def require_bank(call: Call, command: Command) -> None:
    """Whoever names a bank names one that is appointed for the division, where any is.

    Raises:
        Refusal: ``bank_not_appointed``.
    """
    pay_bank_code: str = getattr(command, "pay_bank_code", "")
    if not pay_bank_code:
        return
    day = datetime.now(BEIJING).date()
    some_year = ledger_id(division_of(call), day.year)

    def banks(connection: Any) -> Any:
        heads = read_standing_heads(connection, some_year)
        return read_banks(connection, {key: head.position for key, head in heads.items()})

    appointed = call.scope.get("appointed")  # once a request
    if appointed is None:
        appointed = call.scope["appointed"] = await call.read(banks)
    bank = appointed.get(pay_bank_code)
    if appointed and (bank is None or bank.on(day) is None):
        raise Refusal(
            Code.BANK_NOT_APPOINTED,
            f"no bank {pay_bank_code!r} is appointed 代理银行 on {day}",
            pointer="/pay_bank_code",
        )


UNITS = Resource(
    AGENCY,
    AGENCIES,
    RegisterAgency,
    ChangeAgency,
    path="agencies",
    title="the units 单位",
    codes=(Code.ELEMENT_INVALID, Code.BANK_NOT_APPOINTED),
    before=require_bank,
)
UNITS.add_reads(router)
DIRECT = UNITS.acts()

"""Units 单位: a unit acts, and looks, only for the units whose codes begin with its prefixes.

What an indicator or a payment is for never changes, so it is looked at before the books are asked.
Whoever acts by a role beside those within units, or whose rights name no prefix, costs nothing
here.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from psycopg import Connection

from api.access import Caller, Right
from api.http.admission import record_denied
from api.http.call import Call
from budget.indicator import INDICATOR
from budget.preparation.draft import BUDGET_DRAFT
from division.rights import begins_with
from ledger.deciding.approvals import same_person
from ledger.deciding.command import Command
from ledger.errors import AccessError, Code
from ledger.reading.objects import read_objects
from payments.contracts.contract import CONTRACT
from payments.contracts.plan import PURCHASE_PLAN
from payments.payment import PAYMENT, Payment

UNIT = frozenset({"unit"})
OF_UNITS = frozenset({"unit", "unit_checker"})  # roles within units, which may be bound to some


def prefixes_of(caller: Caller, right: Right) -> tuple[str, ...]:
    """What binds the caller in this right; nothing where he has it by another role, too."""
    return caller.agency_prefixes if caller.roles & right.roles <= OF_UNITS else ()


async def require_units(
    call: Call, key: int, *, bgt_ids: Iterable[str] = (), pay_app_nos: Iterable[str] = ()
) -> None:
    """Raises ``forbidden`` where one of these is another unit's; what does not exist passes."""
    prefixes = prefixes_of(call.caller, call.right)
    if not prefixes:
        return
    indicators, payments = list(bgt_ids), list(pay_app_nos)
    codes = await call.read(lambda connection: _agencies(connection, key, indicators, payments))
    await require_agencies(call, key, codes)


def _agencies(
    connection: Connection, key: int, bgt_ids: Sequence[str], pay_app_nos: Sequence[str]
) -> list[tuple[str, str]]:
    indicators = read_objects(connection, key, INDICATOR, bgt_ids)
    payments = read_objects(connection, key, PAYMENT, pay_app_nos)
    return [
        *((number, each.issued.agency_code) for number, each in indicators.items()),
        *((number, each.applied.agency_code) for number, each in payments.items()),
    ]


async def require_agencies(call: Call, key: int, numbers: Iterable[tuple[str, str]]) -> None:
    """Raises ``forbidden`` for the first (number, agency_code) that is another unit's, or none's:
    that is the treasury's own."""
    for number, agency_code in numbers:
        if not is_own(call, agency_code):
            whose = f"of the unit {agency_code}" if agency_code else "the treasury's"
            await deny(call, key, number, f"{number} is {whose}, not of yours")


def is_own(call: Call, agency_code: str) -> bool:
    """Whether the caller may see what is of this unit, "" of none."""
    prefixes = prefixes_of(call.caller, call.right)
    return not prefixes or begins_with(agency_code, prefixes)


async def require_all_units(call: Call, key: int, what: str) -> None:
    """Raises ``forbidden`` for who is bound to some units: what is asked for is the treasury's own,
    or of all units at once."""
    if prefixes_of(call.caller, call.right):
        await deny(call, key, "", f"{what} is the treasury's, or of all units, not of yours alone")


async def own_indicators(call: Call, key: int, bgt_ids: Iterable[str]) -> set[str]:
    """The indicators among these that the caller may see."""
    indicators = set(bgt_ids)
    if not prefixes_of(call.caller, call.right):
        return indicators
    asked = sorted(indicators)
    codes = await call.read(lambda connection: _agencies(connection, key, asked, ()))
    return {number for number, agency_code in codes if is_own(call, agency_code)}


async def require_own(call: Call, key: int, commands: Sequence[Command]) -> None:
    """What a command says it is about is a matter of the caller's units.

    Raises:
        AccessError: ``forbidden``.
    """
    if prefixes_of(call.caller, call.right):
        await require_agencies(call, key, await _units_of(call, key, commands))


async def are_own(call: Call, key: int, commands: Sequence[Command]) -> bool:
    """Whether they say that they are about the caller's units, and about no other."""
    if not prefixes_of(call.caller, call.right):
        return True
    units = await _units_of(call, key, commands)
    return bool(units) and all(is_own(call, agency_code) for _, agency_code in units)


async def _units_of(call: Call, key: int, commands: Sequence[Command]) -> list[tuple[str, str]]:
    """(number, agency_code) of all that they name."""
    units = _units_said(commands)
    if _about_purchases(commands):
        units += await call.read(partial(_of_purchases, key, commands))
    draft_nos = _said(commands, "draft_no")
    if draft_nos and not units:
        units += await call.read(partial(_of_drafts, key, draft_nos))
    bgt_ids = _said(commands, "bgt_id")
    pay_app_nos = [] if bgt_ids else _said(commands, "pay_app_no")
    if bgt_ids or pay_app_nos:
        units += await call.read(lambda c: _agencies(c, key, bgt_ids, pay_app_nos))
    return units


def _units_said(commands: Sequence[Command]) -> list[tuple[str, str]]:
    codes = _said(commands, "agency_code")
    return [(code, code) for code in codes]


def _of_drafts(key: int, draft_nos: Sequence[str], connection: Connection) -> list[tuple[str, str]]:
    drafts = read_objects(connection, key, BUDGET_DRAFT, draft_nos)
    return [(number, draft.agency_code) for number, draft in drafts.items()]


def _about_purchases(commands: Sequence[Command]) -> bool:
    """Whether they are told apart by a contract or a purchase plan alone."""
    named = _said(commands, "contract_no") or _said(commands, "pur_plan_no")
    return bool(named and not _said(commands, "agency_code") and not _said(commands, "bgt_id"))


def _of_purchases(
    key: int, commands: Sequence[Command], connection: Connection
) -> list[tuple[str, str]]:
    contracts = read_objects(connection, key, CONTRACT, _said(commands, "contract_no"))
    plans = read_objects(connection, key, PURCHASE_PLAN, _said(commands, "pur_plan_no"))
    return [(number, each.agency_code) for number, each in (*contracts.items(), *plans.items())]


def _said(commands: Sequence[Command], field: str) -> list[str]:
    return [str(value) for command in commands if (value := getattr(command, field, ""))]


async def of_applicant(call: Call, key: int, command: Command) -> Command:
    """A payment is withdrawn by who applied for it, or by his unit; raises ``forbidden``."""
    if call.caller.roles >= UNIT:
        return command  # of his own units, as was looked at before
    [pay_app_no] = _said((command,), "pay_app_no")
    found = await call.read(lambda connection: read_objects(connection, key, PAYMENT, [pay_app_no]))
    payment: Payment | None = found.get(pay_app_no)
    if payment is not None and not same_person(payment.applied.by, call.caller.principal):
        await deny(call, key, pay_app_no, "a payment is withdrawn by who applied, or by his unit")
    return command


async def deny(call: Call, key: int, number: str, detail: str) -> None:
    """Raises ``forbidden``, which is put on record."""
    error = AccessError(Code.FORBIDDEN, detail)
    if not call.dry_run and not call.is_read:
        await record_denied(call, key, number, error)
    raise error

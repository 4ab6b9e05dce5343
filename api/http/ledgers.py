"""Ledgers: open, list, show; who signs; which period is closed."""

from typing import Any

from starlette.responses import Response

from api.access import Right, require_right
from api.http.bodies import Body
from api.http.commands import COMMAND_QUERY, command_route
from api.http.door import Call, Operation, Route
from api.http.pages import PAGE_QUERY, page_of
from api.http.views import LedgerView, PeriodView, PolicyView, commit_view, ledger_view
from ledger.account_set import ledger_text
from ledger.calendar import ClosePeriod
from ledger.deciding.command import Command, Commit, Outcome
from ledger.deciding.opening import TITLE, OpenLedger, Title
from ledger.deciding.settings import Settings
from ledger.deciding.state import LedgerState
from ledger.errors import Code
from ledger.events import LedgerOpened
from ledger.integrity.chain import microseconds
from ledger.reading.objects import Head, list_heads
from payments.signature_policy import SIGNATURE_POLICY, SetSignaturePolicy

_OPENING = Body(OpenLedger)


async def open_ledger(call: Call) -> Response:
    command = _OPENING.read(call.data)
    assert isinstance(command, OpenLedger)
    key = command.ledger_id
    await call.admit(key, number=ledger_text(key))
    if call.dry_run and not await call.exists(key):
        return call.respond(await call.in_thread(_rehearsed, call, command))
    outcome = await call.submit(key, command)
    division = ""
    if outcome.problem is None:
        division = (await call.head(key)).settings.get(TITLE).mof_div_name
    return call.outcome(outcome, lambda done: _opened(command, division, done.commit))


def _rehearsed(call: Call, command: OpenLedger) -> LedgerView:
    """What opening a ledger would answer; it has no head yet that could decide."""
    state = LedgerState(command.ledger_id, call.treasury.charts)
    state.codes = call.treasury.codes()
    state.begin(microseconds(call.treasury.now()))
    decision = command.decide(state, call.caller.principal)
    [(_, _, opened)] = decision.events
    assert isinstance(opened, LedgerOpened)
    return _opened(command, opened.mof_div_name, None)


def _opened(command: OpenLedger, division: str, commit: Commit | None) -> LedgerView:
    """The ledger as it was when it was opened, whatever has been set since."""
    at_first = Settings({TITLE.name: Title(command.name, division)})
    position, chain = (commit.position, commit.chain) if commit else (0, b"")
    return ledger_view(command.ledger_id, position, chain, at_first, commit_view(commit))


async def list_ledgers(call: Call) -> Response:
    caller = call.caller
    require_right(caller, Right.READ)
    page = page_of(call)
    heads = [
        head
        for head in await call.read(lambda conn: list_heads(conn, caller.division))
        if ledger_text(head.ledger_id) > page.after
    ]
    shown = heads[: page.size]
    more = len(heads) > page.size
    return call.respond(
        page.answer(
            [_shown(head) for head in shown], ledger_text(shown[-1].ledger_id) if more else None
        )
    )


async def show_ledger(call: Call) -> Response:
    head = await call.head(await call.admit())
    return call.respond(_shown(head), position=head.position)


def _shown(head: Head) -> LedgerView:
    return ledger_view(head.ledger_id, head.position, head.chain, head.settings)


async def show_policy(call: Call) -> Response:
    head = await call.head(await call.admit())
    policy = head.settings.get(SIGNATURE_POLICY)
    shown = PolicyView(
        ledger=ledger_text(head.ledger_id),
        roles=policy.roles,
        pay_bank_code=policy.pay_bank_code,
        signing=policy.signing,
    )
    return call.respond(shown, position=head.position)


def _policy(key: int, command: Command, outcome: Outcome) -> Any:
    assert isinstance(command, SetSignaturePolicy)
    return PolicyView(
        ledger=ledger_text(key),
        roles=command.roles,
        pay_bank_code=command.pay_bank_code,
        signing=command.signing,
        commit=commit_view(outcome.commit),
    )


def _period(key: int, command: Command, outcome: Outcome) -> Any:
    assert isinstance(command, ClosePeriod)
    return PeriodView(
        ledger=ledger_text(key),
        closed_through=command.through.isoformat(),
        commit=commit_view(outcome.commit),
    )


ROUTES = (
    Route(
        Operation(
            name="ledger.open",
            method="POST",
            path="/v1/ledgers",
            right=Right.OPEN_LEDGER,
            summary="Open the ledger of a division's fiscal year 开账",
            body=_OPENING,
            answer=LedgerView,
            status=201,
            codes=(Code.IDEMPOTENCY_CONFLICT, Code.ELEMENT_INVALID, Code.INVALID_STATE),
            query=COMMAND_QUERY,
        ),
        open_ledger,
    ),
    Route(
        Operation(
            name="ledger.list",
            method="GET",
            path="/v1/ledgers",
            right=Right.READ,
            summary="The ledgers within the caller's division",
            answer=list[LedgerView],
            query=PAGE_QUERY,
        ),
        list_ledgers,
    ),
    Route(
        Operation(
            name="ledger.show",
            method="GET",
            path="/v1/ledgers/{ledger}",
            right=Right.READ,
            summary="A ledger with its position and chain",
            answer=LedgerView,
        ),
        show_ledger,
    ),
    Route(
        Operation(
            name="signature_policy.show",
            method="GET",
            path="/v1/ledgers/{ledger}/signature-policy",
            right=Right.READ,
            summary="Which roles sign a voucher, in order 签章策略",
            answer=PolicyView,
        ),
        show_policy,
    ),
    command_route(
        SetSignaturePolicy,
        "/v1/ledgers/{ledger}/signature-policy",
        method="PUT",
        bare="roles",
        right=Right.ADMINISTER,
        view=_policy,
        answer=PolicyView,
        summary="Set which roles sign a voucher, in order, for which bank, and how",
    ),
    command_route(
        ClosePeriod,
        "/v1/ledgers/{ledger}/periods:close",
        right=Right.ADMINISTER,
        view=_period,
        answer=PeriodView,
        summary="Close the books through a date 结账",
        codes=(Code.PERIOD_CLOSED,),
    ),
)

"""代理银行申请划款: what agent banks have claimed, who claims, and what is returned to them."""

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import BankClaimState, ClaimingParty, Tag
from api.http.models.lists import Page
from api.http.pages import AskedPage, page_after, whole_place_after
from api.http.parameters import ClaimNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import shown_object
from api.http.units import require_all_units
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.events import type_names
from ledger.money import yuan
from ledger.reading.objects import read_objects
from payments.clearing.bank_claims import BANK_CLAIM, BankClaim, ReturnBankClaim
from payments.clearing.bank_events import BankClaimTaken
from payments.clearing.clearing_policy import CLEARING_POLICY, SetClearingPolicy

_ALL = "/v1/ledgers/{ledger}/bank-claims"
_POLICY = "/v1/ledgers/{ledger}/clearing-policy"
_WHOSE = "a bank's claim"

router = APIRouter(route_class=Operation, tags=[Tag.CLEARINGS])


class BankClaimLineView(msgspec.Struct, kw_only=True):
    """A detail: first-level unit and function; ``pay_app_no`` where it is one payment's."""

    sup_dep_code: str
    exp_func_code: str
    pay_amt: str
    voucher_no: str
    pay_app_no: str


class BankClaimView(msgspec.Struct, kw_only=True):
    """A claim 2301 or 2302 of an agent bank that agrees with the books; ``clear_no`` of the
    clearing by which it is agreed to, ``reason`` why it was returned, ``return_told`` whether its
    bank has taken that in."""

    ledger: str
    claim_no: str
    state: BankClaimState
    voucher_no: str
    vt_code: str
    pay_bank_code: str
    clear_date: str
    fund_type_code: str
    pay_amt: str
    lines: list[BankClaimLineView]
    clear_no: str
    reason: str
    return_told: bool
    commit: Committed = UNSET


class ClearingPolicyView(msgspec.Struct, kw_only=True):
    """清算策略: who claims; where the banks do, payments from ``singly_from_amt`` on are claimed
    singly, null for none."""

    ledger: str
    claimed_by: ClaimingParty
    singly_from_amt: str | None
    commit: Committed = UNSET


def _shown(key: int, claim: BankClaim, commit: Committed = UNSET) -> BankClaimView:
    taken = claim.taken
    return BankClaimView(
        ledger=ledger_text(key),
        claim_no=taken.claim_no,
        state=claim.status,
        voucher_no=taken.voucher_no,
        vt_code=taken.vt_code,
        pay_bank_code=taken.pay_bank_code,
        clear_date=taken.clear_date,
        fund_type_code=taken.fund_type_code,
        pay_amt=taken.pay_amt,
        lines=[
            BankClaimLineView(
                sup_dep_code=line.sup_dep_code,
                exp_func_code=line.exp_func_code,
                pay_amt=line.pay_amt,
                voucher_no=line.voucher_no,
                pay_app_no=line.pay_app_no,
            )
            for line in taken.lines
        ],
        clear_no=claim.clear_no,
        reason=claim.returned.reason if claim.returned else "",
        return_told=claim.told is not None,
        commit=commit,
    )


@router.get(
    _ALL,
    operation_id="bank_claim.list",
    summary="Claims of agent banks in the order in which they came 代理银行划款申请",
    response_model=Page[BankClaimView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_claims(call: LedgerRead, asked: AskedPage) -> Response:
    after = whole_place_after(call, asked.cursor)
    key = await admit(call)
    await require_all_units(call, key, _WHOSE)
    names = list(type_names(BankClaimTaken))

    def read(connection: Connection) -> tuple[list[BankClaimView], str | None]:
        rows = connection.execute(
            "SELECT k.first_position, k.number FROM command_keys k JOIN events e"
            " ON e.ledger_id = k.ledger_id AND e.position = k.first_position"
            " WHERE k.ledger_id = %s AND k.operation = %s AND k.first_position > %s"
            " AND e.type = ANY(%s) ORDER BY k.first_position LIMIT %s",
            (key, BANK_CLAIM.opened_by, after, names, asked.size + 1),
        ).fetchall()
        shown = rows[: asked.size]
        found: dict[str, BankClaim] = read_objects(
            connection, key, BANK_CLAIM, [row[1] for row in shown]
        )
        views = [_shown(key, found[row[1]]) for row in shown]
        return views, str(shown[-1][0]) if len(rows) > asked.size else None

    views, following = await call.read(read)
    return call.respond(page_after(call, views, following))


@router.get(
    _ALL + "/{claim_no}",
    operation_id="bank_claim.show",
    summary="A claim of an agent bank, and what became of it",
    response_model=BankClaimView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_claim(call: LedgerRead, claim_no: ClaimNo) -> Response:
    key = await admit(call, number=claim_no)
    await require_all_units(call, key, _WHOSE)
    position, found = await shown_object(call, key, BANK_CLAIM, claim_no)
    return call.respond(_shown(key, found), position=position)


@router.get(
    _POLICY,
    operation_id="clearing_policy.show",
    summary="Who claims from the central bank what banks have paid 清算策略",
    response_model=ClearingPolicyView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_policy(call: LedgerRead) -> Response:
    head = await call.head(await admit(call))
    policy = head.settings.get(CLEARING_POLICY)
    singly = yuan(policy.singly_from_fen) if policy.singly_from_fen else None
    view = ClearingPolicyView(
        ledger=ledger_text(head.ledger_id),
        claimed_by=policy.claimed_by,
        singly_from_amt=singly,
    )
    return call.respond(view, position=head.position)


def _policy(key: int, command: Command, outcome: Outcome) -> ClearingPolicyView:
    assert isinstance(command, SetClearingPolicy)
    return ClearingPolicyView(
        ledger=ledger_text(key),
        claimed_by=command.claimed_by,
        singly_from_amt=command.singly_from_amt or None,
        commit=commit_view(outcome.commit),
    )


def _returned(key: int, _command: Command, outcome: Outcome) -> BankClaimView:
    return _shown(key, outcome.subjects[0], commit_view(outcome.commit))


DIRECT = (
    CommandRoute(
        SetClearingPolicy,
        _POLICY,
        method="PUT",
        right=Right.ADMINISTER,
        view=_policy,
        answer=ClearingPolicyView,
        summary="Set who claims from the central bank, and what is claimed singly 清算策略",
        tag=Tag.CLEARINGS,
    ),
    CommandRoute(
        ReturnBankClaim,
        _ALL + "/{claim_no}/return",
        in_path=("claim_no",),
        right=Right.CLEAR,
        view=_returned,
        answer=BankClaimView,
        summary="Return a claim to its bank 划款申请退回",
        tag=Tag.CLEARINGS,
        codes=(Code.INVALID_STATE, Code.NOT_FOUND),
    ),
)

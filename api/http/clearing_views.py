"""What callers see of clearings and of the claims in them."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from api.http.held_by import HeldByView
from api.http.models.enums import ClearingState
from api.http.models.lists import ClearedItem
from api.http.models.shown import shown_as
from api.http.views import Committed
from ledger.account_set import ledger_text
from ledger.money import parse_yuan, yuan
from payments.clearing.claims import Clearing
from payments.clearing.events import Claim, ClaimLine, ClaimReceipted
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM


class ClaimReceiptView(msgspec.Struct, kw_only=True):
    """The central bank's receipt for a claim; ``rejected`` carries its reason. ``booked_on`` is the
    day on which it is booked, the central bank's own or a later one."""

    voucher_no: str
    xpay_amt: str
    xclear_date: str
    booked_on: str
    rejected: str
    receipt_sm3: str
    cert_serial: str
    signature: str


class ClaimLineView(msgspec.Struct, kw_only=True):
    """What a claim sums; ``pay_app_no`` of a payment that is claimed singly."""

    sup_dep_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    pay_amt: str
    pay_app_no: str | UnsetType = UNSET


class ClaimView(msgspec.Struct, kw_only=True):
    """One claim on the central bank (2301, or 2302 for refunds), its lines and its receipt;
    ``claim_no`` is the agent bank's claim that it is made on. ``held_by`` stands in the answer to a
    single clearing only."""

    vt_code: str
    voucher_no: str
    fund_type_code: str
    pay_amt: str
    lines: list[ClaimLineView]
    claim_no: str | UnsetType = UNSET
    status: ClearingState
    receipt: ClaimReceiptView | None
    held_by: HeldByView | UnsetType | None = UNSET


class ClearingLineView(ClaimLineView, kw_only=True):
    """A line of any of the claims."""

    vt_code: str
    fund_type_code: str


class ClearingView(msgspec.Struct, kw_only=True):
    """``vouchers`` stand in the answer to a single clearing only."""

    ledger: str
    clear_no: str
    status: ClearingState
    clear_date: str
    pay_bank_code: str
    pay_amt: str
    refund_amt: str
    claims: tuple[ClaimView, ...]
    lines: tuple[ClearingLineView, ...]
    receipt: ClaimReceiptView | None
    vouchers: Annotated[list[dict[str, Any]] | UnsetType, shown_as(list[ClearedItem])] = UNSET
    vouchers_next_cursor: str | UnsetType | None = UNSET
    by: str
    commit: Committed = UNSET


def clearing_view(ledger_id: int, clearing: Clearing, commit: Committed = UNSET) -> ClearingView:
    requested = clearing.requested
    claims = tuple(_claim(clearing, claim) for claim in requested.claims)
    receipts = [claim.receipt for claim in claims if claim.receipt]
    return ClearingView(
        ledger=ledger_text(ledger_id),
        clear_no=requested.clear_no,
        status=clearing.status,
        clear_date=requested.clear_date,
        pay_bank_code=requested.pay_bank_code,
        pay_amt=_sum(requested.claims, CLAIM),
        refund_amt=_sum(requested.claims, REFUND_CLAIM),
        claims=claims,
        lines=tuple(
            ClearingLineView(
                vt_code=claim.vt_code,
                fund_type_code=claim.fund_type_code,
                **_said(line),
            )
            for claim in requested.claims
            for line in claim.lines
        ),
        receipt=receipts[-1] if len(receipts) == len(claims) else None,
        by=requested.by,
        commit=commit,
    )


def _claim(clearing: Clearing, claim: Claim) -> ClaimView:
    receipt: ClaimReceipted | None = clearing.receipts.get(claim.voucher_no)
    answered = "" if receipt is None else "rejected" if receipt.rejected else "cleared"
    return ClaimView(
        vt_code=claim.vt_code,
        voucher_no=claim.voucher_no,
        fund_type_code=claim.fund_type_code,
        pay_amt=claim.pay_amt,
        lines=[ClaimLineView(**_said(line)) for line in claim.lines],
        claim_no=claim.claim_no or UNSET,
        status=answered or "requested",
        receipt=_receipt(receipt) if receipt else None,
    )


def _said(line: ClaimLine) -> dict[str, str]:
    return {name: text for name, text in msgspec.structs.asdict(line).items() if text}


def _receipt(receipt: ClaimReceipted) -> ClaimReceiptView:
    shown = {name: getattr(receipt, name) for name in ClaimReceiptView.__struct_fields__}
    return ClaimReceiptView(**{**shown, "booked_on": receipt.booked_on or receipt.xclear_date})


def _sum(claims: tuple[Claim, ...], vt_code: str) -> str:
    return yuan(sum(parse_yuan(claim.pay_amt) for claim in claims if claim.vt_code == vt_code))

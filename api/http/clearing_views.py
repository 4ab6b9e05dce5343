"""What callers see of clearings and of the claims in them."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from api.http.views import Committed
from ledger.account_set import ledger_text
from ledger.money import parse_yuan, yuan
from payments.clearing.claims import Clearing
from payments.clearing.events import Claim, ClaimReceipted
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM


class ClaimView(msgspec.Struct, kw_only=True):
    """One claim on the central bank (2301, or 2302 for refunds), its lines and its receipt."""

    vt_code: str
    voucher_no: str
    fund_type_code: str
    pay_amt: str
    lines: tuple[dict[str, str], ...]
    status: str
    receipt: dict[str, str] | None


class ClearingView(msgspec.Struct, kw_only=True):
    ledger: str
    clear_no: str
    status: str
    clear_date: str
    pay_bank_code: str
    pay_amt: str
    refund_amt: str
    claims: tuple[ClaimView, ...]
    lines: tuple[dict[str, str], ...]
    receipt: dict[str, str] | None
    vouchers: list[dict[str, Any]] | UnsetType = UNSET
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
            {"vt_code": claim.vt_code, "fund_type_code": claim.fund_type_code, **line}
            for claim in claims
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
        lines=tuple(msgspec.structs.asdict(line) for line in claim.lines),
        status=answered or "requested",
        receipt=_receipt(receipt) if receipt else None,
    )


def _receipt(receipt: ClaimReceipted) -> dict[str, str]:
    fields = msgspec.structs.asdict(receipt)
    return {name: fields[name] for name in fields if name not in ("clear_no", "by")}


def _sum(claims: tuple[Claim, ...], vt_code: str) -> str:
    return yuan(sum(parse_yuan(claim.pay_amt) for claim in claims if claim.vt_code == vt_code))

"""FastAPI dependencies: the call of somebody who may ask for this, and what such a call may say.

A right belongs to an operation and stands in the signature of its route. It is judged by
``admission`` within the route, because what is wrong with the bytes is told before. What commands
say in query and headers the call has read itself; here it is declared.

They are coroutines because FastAPI runs plain functions in a thread, which costs 100 µs each.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import HTTPBearer

from api.access import Right
from api.http.call import Call
from api.http.parameters import (
    AcctNo,
    AdvNo,
    AgainOf,
    AgencyCode,
    BgtId,
    BondCode,
    CardNo,
    CertSerial,
    ClaimNo,
    ContractNo,
    DispatchNo,
    DivisionCode,
    DraftNo,
    DryRun,
    IdempotencyKey,
    InstallationDivision,
    LedgerName,
    MinPosition,
    PayAppNo,
    PayBankCode,
    Principal,
    ProCode,
    PurPlanNo,
    ReceiverCode,
    ReconNo,
    ReportNo,
    RequestId,
    SettleNo,
    StaffNo,
    StdCode,
    SupBgtDocNo,
    SuspenseNo,
    TokenSm3,
    TransferNo,
    VoucherNo,
    WebhookNo,
)

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="guoku token create")
Token = Annotated[Any, Depends(_bearer)]


async def in_ledger(ledger: LedgerName) -> str:
    return ledger


async def of_indicator(bgt_id: BgtId) -> str:
    return bgt_id


async def of_payment(pay_app_no: PayAppNo) -> str:
    return pay_app_no


async def of_contract(contract_no: ContractNo) -> str:
    return contract_no


async def of_purchase_plan(pur_plan_no: PurPlanNo) -> str:
    return pur_plan_no


async def of_transfer(transfer_no: TransferNo) -> str:
    return transfer_no


async def of_dispatch(dispatch_no: DispatchNo) -> str:
    return dispatch_no


async def of_settlement(settle_no: SettleNo) -> str:
    return settle_no


async def of_received_transfer(sup_bgt_doc_no: SupBgtDocNo) -> str:
    return sup_bgt_doc_no


async def of_suspense(suspense_no: SuspenseNo) -> str:
    return suspense_no


async def of_division(mof_div_code: DivisionCode) -> str:
    return mof_div_code


async def of_principal(principal: Principal) -> str:
    return principal


async def of_token(token_sm3: TokenSm3) -> str:
    return token_sm3


async def of_bank(pay_bank_code: PayBankCode) -> str:
    return pay_bank_code


async def of_project(pro_code: ProCode) -> str:
    return pro_code


async def of_draft(draft_no: DraftNo) -> str:
    return draft_no


async def of_reconciliation(recon_no: ReconNo) -> str:
    return recon_no


async def of_bank_claim(claim_no: ClaimNo) -> str:
    return claim_no


async def of_income_report(report_no: ReportNo) -> str:
    return report_no


async def of_accounting_voucher(voucher_no: VoucherNo) -> str:
    return voucher_no


async def of_advance(adv_no: AdvNo) -> str:
    return adv_no


async def of_bond(bond_code: BondCode) -> str:
    return bond_code


async def of_certificate(cert_serial: CertSerial) -> str:
    return cert_serial


async def of_agency(agency_code: AgencyCode) -> str:
    return agency_code


async def of_account(acct_no: AcctNo) -> str:
    return acct_no


async def of_card(card_no: CardNo) -> str:
    return card_no


async def of_payee(receiver_code: ReceiverCode) -> str:
    return receiver_code


async def of_installation(division: InstallationDivision) -> str:
    return division


async def of_webhook(webhook_no: WebhookNo) -> str:
    return webhook_no


async def of_standard(std_code: StdCode) -> str:
    return std_code


async def of_correction_message(again_of: AgainOf) -> str:
    return again_of


async def of_staff(staff_no: StaffNo) -> str:
    return staff_no


OF_NUMBER: dict[str, Callable[..., Awaitable[str]]] = {
    "bgt_id": of_indicator,
    "pay_app_no": of_payment,
    "contract_no": of_contract,
    "pur_plan_no": of_purchase_plan,
    "transfer_no": of_transfer,
    "dispatch_no": of_dispatch,
    "settle_no": of_settlement,
    "sup_bgt_doc_no": of_received_transfer,
    "suspense_no": of_suspense,
    "claim_no": of_bank_claim,
    "again_of": of_correction_message,
    "principal": of_principal,
    "token_sm3": of_token,
    "pay_bank_code": of_bank,
    "cert_serial": of_certificate,
    "pro_code": of_project,
    "draft_no": of_draft,
    "recon_no": of_reconciliation,
    "report_no": of_income_report,
    "voucher_no": of_accounting_voucher,
    "adv_no": of_advance,
    "bond_code": of_bond,
    "agency_code": of_agency,
    "acct_no": of_account,
    "card_no": of_card,
    "receiver_code": of_payee,
    "std_code": of_standard,
    "staff_no": of_staff,
    "division": of_installation,
}
InLedger = Annotated[str, Depends(in_ledger)]


class Asking:
    """The call of an operation that asks for ``right``."""

    def __init__(self, right: Right) -> None:
        self.right = right


class Public(Asking):
    """The call of an operation that anybody may ask for."""

    def __init__(self) -> None:
        super().__init__(Right.PUBLIC)

    async def __call__(self, call: Call, request_id: RequestId = None) -> Call:
        return call


class Reading(Asking):
    """A read of what is no ledger's own."""

    async def __call__(self, call: Call, token: Token, request_id: RequestId = None) -> Call:
        return call


class ReadingLedger(Asking):
    """A read of a ledger, which waits for a position where the caller names one."""

    async def __call__(
        self,
        call: Call,
        token: Token,
        ledger: InLedger,
        min_position: MinPosition = None,
        request_id: RequestId = None,
    ) -> Call:
        call.min_position = min_position
        return call


class Acting(Asking):
    """A command on what is no ledger's own."""

    async def __call__(
        self,
        call: Call,
        token: Token,
        dry_run: DryRun = False,
        idempotency_key: IdempotencyKey = None,
        request_id: RequestId = None,
    ) -> Call:
        return call


class ActingOnLedger(Acting):
    """A command on a ledger."""

    async def __call__(  # type: ignore[override]  # FastAPI reads the signature
        self,
        call: Call,
        token: Token,
        ledger: InLedger,
        dry_run: DryRun = False,
        idempotency_key: IdempotencyKey = None,
        request_id: RequestId = None,
    ) -> Call:
        return call


AnyCall = Annotated[Call, Depends(Public())]
LedgerRead = Annotated[Call, Depends(ReadingLedger(Right.READ))]
Read = Annotated[Call, Depends(Reading(Right.READ))]

"""Parameters of addresses, queries and headers, each declared once for all operations.

What FastAPI can say about a parameter it says; where our own words are stricter than pydantic's
(a whole number is digits and nothing else) they are put before it.
"""

from datetime import date, datetime
from typing import Annotated, Any

from annotated_types import Interval
from fastapi import Header, Path, Query
from pydantic import AfterValidator, BeforeValidator

from api.http.published import EXAMPLES, PublishedAs
from ledger.account_set import SYSTEM_DIVISION
from ledger.elements.code_sets import ElementRegister
from projections.core.listing import PAGE_SIZE_MAX

MIN_POSITION = "X-Min-Position"
POSITION_MAX = 2**62
_DIGITS_MAX = 18


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX):
            raise ValueError("it is a whole number")
        return int(value)
    return value


WHOLE = BeforeValidator(_whole)


def _checked(name: str) -> AfterValidator:
    def check(value: str) -> str:
        ElementRegister.check_shape(name, value, f"/{name}")
        return value

    return AfterValidator(check)


def _told(name: str) -> Any:
    return Path(description=ElementRegister.ELEMENTS[name].title, examples=[EXAMPLES[name]])


# ---- of an address

LedgerName = Annotated[
    str, Path(description="<mof_div_code>-<fiscal_year> 账套", examples=["440000000-2026"])
]


def check_division(code: str) -> str:
    """A division's code; nine zeros are what is of all divisions. Raises ``malformed``."""
    if code != SYSTEM_DIVISION:
        ElementRegister.check_shape("mof_div_code", code, "/mof_div_code")
    return code


DivisionCode = Annotated[str, _told("mof_div_code"), AfterValidator(check_division)]
Principal = Annotated[str, _told("principal"), _checked("principal")]
TokenSm3 = Annotated[str, _told("token_sm3"), _checked("token_sm3")]
PayBankCode = Annotated[str, _told("pay_bank_code"), _checked("pay_bank_code")]
CertSerial = Annotated[str, _told("cert_serial"), _checked("cert_serial")]
AcctNo = Annotated[str, _told("acct_no"), _checked("acct_no")]
CardNo = Annotated[str, _told("card_no"), _checked("card_no")]
ReceiverCode = Annotated[str, _told("receiver_code"), _checked("receiver_code")]
StdCode = Annotated[str, _told("std_code"), _checked("std_code")]
StaffNo = Annotated[str, _told("staff_no"), _checked("staff_no")]
AgencyCode = Annotated[str, _told("agency_code"), _checked("agency_code")]
ProCode = Annotated[str, _told("pro_code"), _checked("pro_code")]
DraftNo = Annotated[str, _told("draft_no"), _checked("draft_no")]
BgtPmanId = Annotated[str, _told("bgt_pman_id"), _checked("bgt_pman_id")]
BgtId = Annotated[str, _told("bgt_id"), _checked("bgt_id")]
PayAppNo = Annotated[str, _told("pay_app_no"), _checked("pay_app_no")]
InstallationDivision = Annotated[str, _told("division"), _checked("division")]
WebhookNo = Annotated[str, _told("webhook_no"), _checked("webhook_no")]
SuspenseNo = Annotated[str, _told("suspense_no"), _checked("suspense_no")]
ReconNo = Annotated[str, _told("recon_no"), _checked("recon_no")]
ReportNo = Annotated[str, _told("report_no"), _checked("report_no")]
OpeningNo = Annotated[str, _told("opening_no"), _checked("opening_no")]
VoucherNo = Annotated[str, _told("voucher_no"), _checked("voucher_no")]
TransferNo = Annotated[str, _told("transfer_no"), _checked("transfer_no")]
DispatchNo = Annotated[str, _told("dispatch_no"), _checked("dispatch_no")]
SettleNo = Annotated[str, _told("settle_no"), _checked("settle_no")]
SupBgtDocNo = Annotated[str, _told("sup_bgt_doc_no"), _checked("sup_bgt_doc_no")]
ContractNo = Annotated[str, _told("contract_no"), _checked("contract_no")]
PurPlanNo = Annotated[str, _told("pur_plan_no"), _checked("pur_plan_no")]
SubsidyListNo = Annotated[str, _told("subsidy_list_no"), _checked("subsidy_list_no")]
WageRunNo = Annotated[str, _told("wage_run_no"), _checked("wage_run_no")]
AccrualNo = Annotated[str, _told("accrual_no"), _checked("accrual_no")]
WithholdNo = Annotated[str, _told("withhold_no"), _checked("withhold_no")]
CorNo = Annotated[str, _told("cor_no"), _checked("cor_no")]
AgainOf = Annotated[str, _told("again_of"), _checked("again_of")]
IncRefundNo = Annotated[str, _told("inc_refund_no"), _checked("inc_refund_no")]
IncCorNo = Annotated[str, _told("inc_cor_no"), _checked("inc_cor_no")]
AllocNo = Annotated[str, _told("alloc_no"), _checked("alloc_no")]
PlaceNo = Annotated[str, _told("place_no"), _checked("place_no")]
BondCode = Annotated[str, _told("bond_code"), _checked("bond_code")]
AdvNo = Annotated[str, _told("adv_no"), _checked("adv_no")]
ClearNo = Annotated[str, _told("clear_no"), _checked("clear_no")]
ClaimNo = Annotated[str, _told("claim_no"), _checked("claim_no")]

DocumentKind = Annotated[
    str,
    Path(description="the operation that asks for it 单据种类", examples=["indicator.issue"]),
    _checked("document_kind"),
]
DocumentNo = Annotated[
    str, Path(description="its number 单据编号", examples=["B-2026-0001"]), _checked("document_no")
]

# ---- of a query

Position = Annotated[int, Interval(ge=0, le=POSITION_MAX), WHOLE]
PageSize = Annotated[int, Interval(ge=1, le=PAGE_SIZE_MAX), WHOLE]
Cursor = Annotated[str | None, Query(description="of the page before")]
WithTotal = Annotated[bool, Query(description="`total` and `sum_amt` of all pages")]
Day = Annotated[str, PublishedAs(date)]
Time = Annotated[str, PublishedAs(datetime)]
DryRun = Annotated[bool, Query(description="the full answer, nothing stored")]

# ---- of headers

RequestId = Annotated[
    str | None,
    Header(
        alias="X-Request-Id",
        description="comes back as it was sent, and in the logs",
        json_schema_extra={"maxLength": 128},
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="the same key and body: the stored answer (draft-ietf-httpapi-07)",
        json_schema_extra={"maxLength": 255},
    ),
]
MinPosition = Annotated[
    Position | None, Header(alias=MIN_POSITION, description="waits until it is there")
]
Prefer = Annotated[
    str | None,
    Header(alias="Prefer", description="return=minimal", examples=["return=minimal"]),
]

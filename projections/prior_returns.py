"""以前年度退回 as read models show it: what came back of the year before, and the clearing that
holds it. Part of the read model of payments."""

from datetime import date

import msgspec

from ledger.money import stored_fen
from projections.core.fold import Fact
from projections.core.tables import Table
from projections.views import PriorCarried, PriorTakenBack


class PriorReturnRow(msgspec.Struct, gc=False):
    """A row of ``proj_prior_returns``: what one indicator of the year before had borne of it."""

    position: int
    return_no: str
    pay_app_no: str
    pay_cert_no: str
    ori_bgt_id: str
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    refund_fen: int
    pay_bank_code: str
    effective_on: date
    claimable_on: date
    clear_no: str = ""
    claim_no: str = ""


# by which a clearing finds what it claims, and what it holds
UNCLAIMED = (
    "(ledger_id, generation, pay_bank_code, claimable_on) WHERE clear_no = ''",
    "(ledger_id, generation, clear_no) WHERE clear_no <> ''",
)
PRIOR_RETURNS = Table(
    "proj_prior_returns",
    PriorReturnRow,
    ("position",),
    indexes=UNCLAIMED,
)

OF_PRIOR_YEAR = PriorCarried | PriorTakenBack


def prior_return_row(fact: Fact, event: OF_PRIOR_YEAR) -> PriorReturnRow:
    """The row that an event makes."""
    return PriorReturnRow(
        position=fact.position,
        return_no=event.return_no,
        pay_app_no=event.of_payment,
        pay_cert_no=event.pay_cert_no,
        ori_bgt_id=event.ori_bgt_id,
        bgt_id=event.bgt_id,
        agency_code=event.agency_code,
        pro_code=event.pro_code,
        exp_func_code=event.exp_func_code,
        gov_bgt_eco_code=event.gov_bgt_eco_code,
        dep_bgt_eco_code=event.dep_bgt_eco_code,
        fund_type_code=event.fund_type_code,
        refund_fen=stored_fen(event.amt),
        pay_bank_code=event.pay_bank_code,
        effective_on=fact.effective_on,
        claimable_on=fact.effective_on,
    )

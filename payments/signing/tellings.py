"""5253, 5351: what banks are told of a correction, written by the finance department of the
ledger's division. A message is a function of its event alone, as orders are."""

from datetime import date

from ledger.account_set import fiscal_year_of
from ledger.money import stored_fen
from payments.clearing.uncleared_key import SUP_DEP_DIGITS
from payments.messages import adjustments
from payments.messages.adjustments import AdjustedPart, OutlayAdjustment
from payments.signing.voucher_document import adm_div_code
from payments.telling_events import CorrectionTold, CorrectionToldAgain, ToldPart

TellingEvent = CorrectionTold | CorrectionToldAgain


def adjustment(ledger_id: int, told: TellingEvent) -> OutlayAdjustment:
    """What a 5253 or 5351 says."""
    return OutlayAdjustment(
        vt_code=told.vt_code,
        adm_div_code=adm_div_code(ledger_id),
        st_year=fiscal_year_of(ledger_id),
        vou_date=date.fromisoformat(told.order_date),
        voucher_no=told.voucher_no,
        bill_no=told.cor_no,
        original_voucher_no=told.pay_cert_no,
        fund_type_code=told.fund_type_code,
        pay_bank_code=told.pay_bank_code,
        remark=told.reason,
        parts=(_part(told.was), _part(told.now)),
    )


def adjustment_document(ledger_id: int, told: TellingEvent) -> bytes:
    """Raises RequestError ``malformed`` for text that GBK cannot carry."""
    return adjustments.build(adjustment(ledger_id, told))


def _part(part: ToldPart) -> AdjustedPart:
    return AdjustedPart(
        sup_dep_code=part.agency_code[:SUP_DEP_DIGITS],
        agency_code=part.agency_code,
        exp_func_code=part.exp_func_code,
        gov_exp_eco_code=part.gov_bgt_eco_code,
        dep_exp_eco_code=part.dep_bgt_eco_code,
        dep_pro_code=part.pro_code,
        pay_amt=stored_fen(part.amt),
    )

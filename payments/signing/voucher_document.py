"""支付凭证's document: the 5214 that is signed and sent, made from the books alone.

The same payment, indicator and code sets give the same bytes. Names of the budget's elements are
those of the indicator's issue, because that is what was decided; names of how it is paid are those
of the code sets on the voucher's date.

Who pays, and from which account, is what the division's registers said when the voucher was issued
(``PaymentApproved.payer``). Where a division has registered no account to pay from, the accounts of
the treasury's own side are synthetic but fixed: the unit's zero-balance account 零余额账户 is the
bank's code, the division's six digits and the agency's code; the treasury single account
国库单一账户 is the bank category of the central treasury, the division's nine digits and 01. They
never change for a unit at a bank, and nothing else than this module makes them.

财政专户管理资金 is paid by a 5212 on the same form, from the special account that its payment
names.
"""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

import msgspec

from budget.indicator import Indicator
from ledger.account_set import division_of, fiscal_year_of
from ledger.elements.code_sets import CodeSets
from ledger.money import parse_yuan
from payments.cards.reimbursing import OFFICIAL_CARD
from payments.clearing.uncleared_key import SUP_DEP_DIGITS
from payments.messages.voucher_5214 import Detail5214, Voucher5214, build
from payments.messages.vt_codes import voucher_code
from payments.payment import Payment

PAY_TYPE_CODE = "1"  # 国库集中支付: the one way of paying in the integrated system
SPECIAL_PAY_TYPE_CODE = "91"  # 实拨: what a 5212 says of how it is paid
TREASURY_BANK_CODE = "011"  # 国家金库: what the numbers of its clearing banks begin with
OFFICIAL_CARD_REMARK = "公务卡还款"  # DA/T 95—2022 table B.1: what a card line says by default

ADM_DIV_DIGITS = 6  # banks have six digits of a division, the ledger nine
NAMINGS_KEPT_MAX = 64

Name = Callable[[str, str], str]  # of an element's code, "" where no code set has one


def voucher_document(
    ledger_id: int, payment: Payment, indicator: Indicator, codes: CodeSets
) -> bytes:
    """The exact bytes of a payment's voucher (GBK), the ones every signature is over.

    Raises:
        RequestError: ``malformed`` for text that GBK cannot carry, naming the element.
    """
    assert payment.approved is not None, "a voucher is issued with the approval"
    vou_date = date.fromisoformat(payment.approved.vou_date)
    division = division_of(ledger_id)
    name = _naming(codes, vou_date, division)
    number, applied = payment.pay_cert_no, payment.applied
    voucher = Voucher5214(
        id=number,
        vt_code=voucher_code(applied.pay_acct_no),
        voucher_no=number,
        adm_div_code=adm_div_code(ledger_id),
        st_year=fiscal_year_of(ledger_id),
        vou_date=vou_date,
        bill_no=applied.pay_app_no,
        pay_amt=payment.pay_fen,
        pay_summary_name=applied.use_des,
        details=_details(payment),
        **_payee(payment),
        **_ways(payment, name),
        **{
            **_elements(payment, indicator, name),
            **_accounts(payment, indicator, division, name),
            **_registered(payment, name),
        },
    )
    return build(voucher)


def _registered(payment: Payment, name: Name) -> dict[str, str]:
    """What the registers said of who pays; what 财政内部机构 is called, a code set may say."""
    assert payment.approved is not None
    payer = payment.approved.payer
    if payer is None:
        return {}
    said: dict[str, str] = msgspec.structs.asdict(payer)
    said["mof_dep_name"] = name("mof_dep_code", payer.mof_dep_code)
    return {name: value for name, value in said.items() if value}


def adm_div_code(ledger_id: int) -> str:
    """The ledger's division as messages name it."""
    return division_of(ledger_id)[:ADM_DIV_DIGITS]


@lru_cache(NAMINGS_KEPT_MAX)
def _naming(codes: CodeSets, on: date, division: str) -> Name:
    """Names of one day in one division, each looked up once: a bulk asks for the same few."""

    @lru_cache(None)
    def name(element: str, code: str) -> str:
        return codes.name(element, code, on=on, mof_div_code=division) if code else ""

    return name


def _details(payment: Payment) -> tuple[Detail5214, ...]:
    card = payment.applied.pay_bus_type_code == OFFICIAL_CARD
    return tuple(
        Detail5214(
            id=detail.pay_detail_id,
            voucher_detail_no=str(serial),
            pay_amt=parse_yuan(detail.pay_amt),
            payee_acct_no=detail.payee_acct_no,
            payee_acct_name=detail.payee_acct_name,
            payee_acct_bank_name=detail.payee_acct_bank_name,
            payee_acct_bank_no=detail.payee_bank_no,
            remark=detail.remark or (OFFICIAL_CARD_REMARK if card else ""),
        )
        for serial, detail in enumerate(payment.details, 1)
    )


def _payee(payment: Payment) -> dict[str, str]:
    """The payee on the main form; a bulk payment 批量 has none there (主单无收款人)."""
    applied = payment.applied
    if applied.details:
        return {}
    return {
        "payee_acct_no": applied.payee_acct_no,
        "payee_acct_name": applied.payee_acct_name,
        "payee_acct_bank_name": applied.payee_acct_bank_name,
        "payee_acct_bank_no": applied.payee_bank_no,
    }


def _elements(payment: Payment, indicator: Indicator, name: Name) -> dict[str, str]:
    """What is paid for. A payment may refine 部门支出经济分类, whose name is then another."""
    issued = indicator.issued
    agency, func = issued.agency_code, issued.exp_func_code
    dep_eco = payment.applied.dep_bgt_eco_code
    refined = dep_eco != issued.dep_bgt_eco_code
    return {
        "fund_type_code": issued.fund_type_code,
        "fund_type_name": issued.fund_type_name,
        "bgt_type_code": issued.bgt_type_code,
        "bgt_type_name": issued.bgt_type_name,
        "agency_code": agency,
        "agency_name": issued.agency_name,
        "sup_dep_name": name("agency_code", agency[:SUP_DEP_DIGITS]),
        "pro_cat_code": issued.pro_cat_code,
        "pro_cat_name": issued.pro_cat_name,
        "dep_pro_code": issued.pro_code,
        "dep_pro_name": issued.pro_name,
        "exp_func_code": func,
        "exp_func_name": issued.exp_func_name,
        "exp_func_name1": name("exp_func_code", func[:3]),
        "exp_func_name2": name("exp_func_code", func[:5]) if len(func) > 3 else "",
        "exp_func_name3": issued.exp_func_name if len(func) > 5 else "",
        "gov_exp_eco_code": issued.gov_bgt_eco_code,
        "gov_exp_eco_name": issued.gov_bgt_eco_name,
        "dep_exp_eco_code": dep_eco,
        "dep_exp_eco_name": name("dep_bgt_eco_code", dep_eco)
        if refined
        else issued.dep_bgt_eco_name,
    }


def _ways(payment: Payment, name: Name) -> dict[str, str]:
    """How it is paid: 支付方式, 结算方式, 业务类型."""
    applied = payment.applied
    pay_type_code = SPECIAL_PAY_TYPE_CODE if applied.pay_acct_no else PAY_TYPE_CODE
    return {
        "pay_type_code": pay_type_code,
        "pay_type_name": name("pay_type_code", pay_type_code),
        "set_mode_code": applied.set_mode_code,
        "set_mode_name": name("set_mode_code", applied.set_mode_code),
        "business_type_code": applied.pay_bus_type_code,
        "business_type_name": name("pay_bus_type_code", applied.pay_bus_type_code),
    }


def _accounts(payment: Payment, indicator: Indicator, division: str, name: Name) -> dict[str, str]:
    """The account that pays and the one that reimburses it; see the module."""
    assert payment.approved is not None
    issued, bank = indicator.issued, payment.approved.pay_bank_code
    bank_name = name("pay_bank_code", bank) or bank
    if payment.applied.pay_acct_no:  # which the registers name; nothing reimburses it
        return {"pay_bank_code": bank, "pay_bank_name": bank_name}
    treasury_name = name("pay_bank_code", TREASURY_BANK_CODE)
    return {
        "pay_bank_code": bank,
        "pay_bank_name": bank_name,
        "pay_acct_no": f"{bank}{division[:ADM_DIV_DIGITS]}{issued.agency_code}",
        "pay_acct_name": issued.agency_name or issued.agency_code,
        "pay_acct_bank_name": bank_name,
        "clear_bank_code": TREASURY_BANK_CODE,
        "clear_bank_name": treasury_name,
        "clear_acct_no": f"{TREASURY_BANK_CODE}{division}01",
        "clear_acct_name": f"{name('mof_div_code', division)}国库单一账户",
        "clear_acct_bank_name": treasury_name,
    }

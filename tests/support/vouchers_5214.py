"""A 5214 as the interface standard has it, and what a bank says became of it."""

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from payments.messages.receipt_5214 import DetailOutcome, VoucherOutcome
from payments.messages.voucher_5214 import Detail5214, Voucher5214

AMOUNTS_FEN = st.lists(st.integers(1, 10**15), min_size=1, max_size=4).map(tuple)
DAY = dt.date(2026, 3, 2)


def voucher_of(amounts_fen: tuple[int, ...] = (123_456,), **changes: Any) -> Voucher5214:
    fields: dict[str, Any] = {
        "id": "0197e0d2-0001",
        "adm_div_code": "440000",
        "st_year": 2026,
        "vou_date": DAY,
        "voucher_no": "W002626000001",
        "bill_no": "SQ-440000-20260302-00001",
        "fund_type_code": "111",
        "fund_type_name": "一般公共预算资金",
        "bgt_type_code": "21",
        "pay_type_code": "1",
        "agency_code": "101001",
        "agency_name": "甲单位",
        "sup_dep_name": "甲部门",
        "exp_func_code": "2010101",
        "exp_func_name": "行政运行",
        "gov_exp_eco_code": "50201",
        "dep_exp_eco_code": "30201",
        "dep_pro_code": "440000260000000000001",
        "set_mode_code": "1",
        "pay_bank_code": "102",
        "pay_acct_no": "0200000000000000001",
        "payee_acct_no": "6200000000000000001",
        "payee_acct_name": "乙文具有限公司",
        "payee_acct_bank_name": "某商业银行一支行",
        "pay_summary_name": "购办公用品",
        "pay_amt": sum(amounts_fen),
        "details": tuple(
            Detail5214(
                id=f"d{index}",
                pay_amt=amount_fen,
                payee_acct_no=f"62{index:017d}",
                payee_acct_name="乙文具有限公司",
                payee_acct_bank_name="某商业银行一支行",
            )
            for index, amount_fen in enumerate(amounts_fen)
        ),
    }
    return Voucher5214(**fields | changes)


def outcome_of(*details: tuple[str, int, str], serial: str = "B20260302-7") -> VoucherOutcome:
    return VoucherOutcome(
        x_pay_date=DAY,
        x_agent_business_no=serial,
        details=tuple(
            DetailOutcome(id=id_, x_pay_amt=amount_fen, x_add_word=word)
            for id_, amount_fen, word in details
        ),
    )


def replaced(data: bytes, old: str, new: str, count: int = 1) -> bytes:
    assert old.encode("gbk") in data
    return data.replace(old.encode("gbk"), new.encode("gbk"), count)

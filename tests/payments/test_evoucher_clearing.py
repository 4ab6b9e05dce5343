"""2301 申请划款凭证 and 2302 申请退款凭证."""

import datetime as dt
from typing import Any

import pytest
from lxml import etree

from ledger.errors import Code, GuokuError, Refusal, RequestError
from payments.messages import clearing_2301 as clearing
from payments.messages.clearing_2301 import ClearingDetail, ClearingOutcome, ClearingVoucher

DAY = dt.date(2026, 3, 2)


def _claim(**changes: Any) -> ClearingVoucher:
    fields: dict[str, Any] = {
        "vt_code": "2301",
        "id": "0197e0d2-0009",
        "adm_div_code": "440000",
        "st_year": 2026,
        "vou_date": DAY,
        "voucher_no": "HK20260302-1",
        "tre_code": "1900000000",
        "fin_org_code": "440000",
        "fund_type_code": "111",
        "pay_type_code": "1",
        "agent_acct_no": "0200000000000000009",
        "agent_acct_name": "某代理银行垫款户",
        "clear_acct_no": "1900000000000001",
        "clear_acct_name": "国库单一账户",
        "pay_amt": 300,
        "pay_bank_no": "102000000000",
        "pay_bank_name": "某代理银行",
        "details": (
            ClearingDetail(
                id="1", sup_dep_code="101", sup_dep_name="甲部门", exp_func_code="2010101",
                exp_func_name="行政运行", pay_amt=100,
            ),
            ClearingDetail(id="2", sup_dep_code="102", exp_func_code="2050201", pay_amt=200),
        ),
    }  # fmt: skip
    return ClearingVoucher(**fields | changes)


def _cleared(x_pay_amt: int = 300, **changes: Any) -> ClearingOutcome:
    fields: dict[str, Any] = {"x_pay_snd_bnk_no": "011000000001", "x_clear_date": DAY}
    return ClearingOutcome(**fields | changes, x_pay_amt=x_pay_amt)


@pytest.mark.parametrize("vt_code", clearing.VT_CODES)
def test_claim_and_return_have_one_shape(vt_code: str) -> None:
    claim = _claim(vt_code=vt_code)
    data = clearing.build(claim)
    assert data == clearing.build(claim)
    assert clearing.parse(data) == claim
    root = etree.fromstring(data)  # read by libxml2's own GBK
    assert " ".join(str(child.tag) for child in root) == (
        "Id AdmDivCode StYear VtCode VouDate VoucherNo TreCode FinOrgCode BgtTypeCode BgtTypeName "
        "FundTypeCode FundTypeName PayTypeCode PayTypeName AgentAcctNo AgentAcctName "
        "AgentAcctBankName ClearAcctNo ClearAcctName ClearAcctBankName PayAmt PayBankName "
        "PayBankNo Remark MoneyCorpCode XPaySndBnkNo XClearDate XPayAmt Hold1 Hold2 DetailList"
    )
    assert root.findtext("VtCode") == vt_code
    assert root.findtext("PayAmt") == "3.00"
    assert root.findtext("AgentAcctName") == "某代理银行垫款户"
    first = root.findall("DetailList/Detail")[0]
    assert [(child.tag, child.text) for child in first][:7] == [
        ("Id", "1"),
        ("VoucherNo", None),
        ("SupDepCode", "101"),
        ("SupDepName", "甲部门"),
        ("ExpFuncCode", "2010101"),
        ("ExpFuncName", "行政运行"),
        ("PayAmt", "1.00"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"pay_amt": 301},
        {"details": ()},
        {"details": (ClearingDetail(id="", sup_dep_code="1", exp_func_code="2", pay_amt=300),)},
        {
            "pay_amt": 500,
            "details": tuple(
                ClearingDetail(id=str(n), sup_dep_code="1", exp_func_code="2", pay_amt=1)
                for n in range(500)
            ),
        },
    ],
)
def test_details_that_do_not_make_the_claim_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        clearing.build(_claim(**change))
    assert caught.value.code is Code.DETAILS_MISMATCH


def test_names_outside_gbk_are_refused_by_field() -> None:
    with pytest.raises(RequestError) as caught:
        clearing.build(_claim(remark="𠮷"))
    assert caught.value.extra["pointer"] == "/Remark"


@pytest.mark.parametrize("x_pay_amt", [300, 0])
def test_the_central_bank_clears_all_or_nothing(x_pay_amt: int) -> None:
    filled = clearing.fill_receipt(clearing.build(_claim()), _cleared(x_pay_amt))
    receipt = clearing.parse_receipt(filled)
    assert (receipt.vt_code, receipt.voucher_no) == ("2301", "HK20260302-1")
    assert (receipt.adm_div_code, receipt.st_year) == ("440000", 2026)
    assert receipt.x_pay_snd_bnk_no == "011000000001"
    assert receipt.x_clear_date == DAY
    assert (receipt.pay_amt, receipt.x_pay_amt) == (300, x_pay_amt)


@pytest.mark.parametrize("x_pay_amt", [299, 301, -300])
def test_a_part_is_not_cleared(x_pay_amt: int) -> None:
    with pytest.raises(Refusal) as caught:
        clearing.fill_receipt(clearing.build(_claim()), _cleared(x_pay_amt))
    assert caught.value.code is Code.RECEIPT_MISMATCH


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"<VtCode>2301", b"<VtCode>5214", Code.MALFORMED),
        (b"<XPaySndBnkNo>011000000001", b"<XPaySndBnkNo>", Code.MALFORMED),
        (b"<XClearDate>20260302</XClearDate>", b"", Code.MALFORMED),
        (b"<XClearDate>20260302", b"<XClearDate>20260231", Code.MALFORMED),
        (b"<XPayAmt>3.00", b"<XPayAmt>3", Code.MALFORMED),
        (b"<XPayAmt>3.00", b"<XPayAmt>2.00", Code.RECEIPT_MISMATCH),
        (b"<PayAmt>2.00", b"<PayAmt>2.01", Code.RECEIPT_MISMATCH),
        (b"<PayAmt>2.00", b"<PayAmt>two", Code.MALFORMED),
        (b"<DetailList>", b"<DetailList/><DetailList>", Code.MALFORMED),
    ],
)
def test_a_receipt_that_is_not_whole_or_does_not_add_up_is_refused(
    old: bytes, new: bytes, code: Code
) -> None:
    filled = clearing.fill_receipt(clearing.build(_claim()), _cleared())
    assert old in filled
    with pytest.raises(GuokuError) as caught:
        clearing.parse_receipt(filled.replace(old, new, 1))
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<Hold1></Hold1>", b""),
        (b"<Hold1></Hold1>", b"<Hold1>x</Hold1>"),
        (b"<XPayAmt></XPayAmt>", b"<XPayAmt>3.00</XPayAmt>"),
        (b"<StYear>2026", b"<StYear>26"),
        (b"<VtCode>2301", b"<VtCode>2303"),
    ],
)
def test_a_claim_that_is_not_whole_is_refused(old: bytes, new: bytes) -> None:
    data = clearing.build(_claim())
    assert old in data
    with pytest.raises(RequestError) as caught:
        clearing.parse(data.replace(old, new, 1))
    assert caught.value.code is Code.MALFORMED

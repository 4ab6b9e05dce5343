"""5214 银行支付回单: what the bank fills in, and what is made of it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ledger.errors import Code, GuokuError, Refusal, RequestError
from ledger.money import yuan
from payments.messages import receipt_5214
from payments.messages import voucher_5214 as v5214
from payments.messages.receipt_5214 import VoucherOutcome
from tests.support.vouchers_5214 import AMOUNTS_FEN, DAY, outcome_of, replaced, voucher_of


def test_a_receipt_tells_what_was_paid_and_what_was_not() -> None:
    sent = v5214.build(voucher_of((100, 200, 300)))
    outcome = outcome_of(("d2", 300, ""), ("d0", 100, ""), ("d1", 0, "账号户名不符"))
    filled = receipt_5214.fill_receipt(sent, outcome)
    root = etree.fromstring(filled)
    main = {child.tag: child.text for child in root}
    assert main["XPayDate"] == "20260302"
    assert main["XAgentBusinessNo"] == "B20260302-7"
    assert main["XPayAmt"] == "4.00"
    assert main["XPayeeAcctName"] == "乙文具有限公司"
    failed = {child.tag: child.text for child in root.findall("DetailList/Detail")[1]}
    assert failed["XPayAmt"] == "0.00"
    assert failed["XAddWord"] == "账号户名不符"
    assert failed["XPayeeAcctNo"] == failed["PayeeAcctNo"]
    assert failed["XPayDate"] == "20260302"

    receipt = receipt_5214.parse_receipt(filled)
    assert (receipt.adm_div_code, receipt.st_year) == ("440000", 2026)
    assert receipt.voucher_no == "W002626000001"
    assert receipt.x_pay_date == DAY
    assert receipt.x_agent_business_no == "B20260302-7"
    assert (receipt.pay_amt, receipt.x_pay_amt) == (600, 400)
    assert [(d.id, d.pay_amt, d.x_pay_amt, d.x_add_word) for d in receipt.details] == [
        ("d0", 100, 100, ""),
        ("d1", 200, 0, "账号户名不符"),
        ("d2", 300, 300, ""),
    ]


def test_filling_a_receipt_changes_nothing_but_the_banks_elements() -> None:
    sent = v5214.build(voucher_of((100, 200)))
    filled = receipt_5214.fill_receipt(sent, outcome_of(("d0", 100, ""), ("d1", 0, "户名不符")))
    emptied = re.sub(rb"<(X\w+)>[^<]*</\1>", rb"<\1></\1>", filled)
    assert emptied == sent
    with pytest.raises(RequestError):
        v5214.parse(filled)


@pytest.mark.parametrize(
    "outcome",
    [
        outcome_of(),
        outcome_of(("d0", 100, "")),
        outcome_of(("d0", 100, ""), ("d0", 100, "")),
        outcome_of(("d0", 100, ""), ("d1", 200, ""), ("d2", 0, "?")),
        outcome_of(("d0", 100, ""), ("d1", 199, "")),
        outcome_of(("d0", 100, ""), ("d1", -200, "")),
        outcome_of(("d0", 100, ""), ("d1", 0, "")),
    ],
)
def test_an_outcome_that_does_not_fit_the_voucher_is_refused(outcome: VoucherOutcome) -> None:
    with pytest.raises(Refusal) as caught:
        receipt_5214.fill_receipt(v5214.build(voucher_of((100, 200))), outcome)
    assert caught.value.code is Code.RECEIPT_MISMATCH


_PAID = "<XPayAmt>1234.56</XPayAmt>"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<XPayDate>20260302</XPayDate>", "", Code.MALFORMED),
        ("<XPayDate>20260302", "<XPayDate>", Code.MALFORMED),
        ("<XPayDate>20260302", "<XPayDate>20261302", Code.MALFORMED),
        ("<XAgentBusinessNo>B20260302-7", "<XAgentBusinessNo>", Code.MALFORMED),
        (_PAID, "", Code.MALFORMED),
        (_PAID, "<XPayAmt></XPayAmt>", Code.MALFORMED),
        (_PAID, "<XPayAmt>1234.560</XPayAmt>", Code.MALFORMED),
        (_PAID, "<XPayAmt>1,234.56</XPayAmt>", Code.MALFORMED),
        (_PAID, "<XPayAmt>1234,56</XPayAmt>", Code.MALFORMED),
        (_PAID, "<XPayAmt>-1234.56</XPayAmt>", Code.MALFORMED),
        (_PAID, "<XPayAmt>NaN</XPayAmt>", Code.MALFORMED),
        (_PAID, _PAID + _PAID, Code.MALFORMED),
        (_PAID, "<XPayAmt>1234.55</XPayAmt>", Code.RECEIPT_MISMATCH),
        ("<PayAmt>1234.56", "<PayAmt>1234.57", Code.RECEIPT_MISMATCH),
        ("<VtCode>5214", "<VtCode>5201", Code.MALFORMED),
        ("<VoucherNo>W002626000001", "<VoucherNo>", Code.MALFORMED),
        ("<Id>d0</Id>", "<Id></Id>", Code.MALFORMED),
    ],
)
def test_a_receipt_that_is_not_whole_or_does_not_add_up_is_refused(
    old: str, new: str, code: Code
) -> None:
    sent = v5214.build(voucher_of())
    filled = receipt_5214.fill_receipt(sent, outcome_of(("d0", 123_456, "")))
    with pytest.raises(GuokuError) as caught:
        receipt_5214.parse_receipt(replaced(filled, old, new))
    assert caught.value.code is code


def test_a_line_paid_in_part_or_answered_twice_is_refused() -> None:
    sent = v5214.build(voucher_of((100, 200)))
    filled = receipt_5214.fill_receipt(sent, outcome_of(("d0", 100, ""), ("d1", 200, "")))
    twice = replaced(filled, "<Id>d1</Id>", "<Id>d0</Id>")
    with pytest.raises(RequestError) as malformed:
        receipt_5214.parse_receipt(twice)
    assert malformed.value.code is Code.MALFORMED
    part = replaced(filled, "<XPayAmt>2.00", "<XPayAmt>1.50")
    part = replaced(part, "<XPayAmt>3.00", "<XPayAmt>2.50")
    with pytest.raises(Refusal) as mismatch:
        receipt_5214.parse_receipt(part)
    assert mismatch.value.code is Code.RECEIPT_MISMATCH
    assert mismatch.value.extra["pointer"] == "/DetailList/1/XPayAmt"


def test_a_voucher_as_sent_is_no_receipt() -> None:
    with pytest.raises(RequestError):
        receipt_5214.parse_receipt(v5214.build(voucher_of()))


def test_a_receipt_may_have_more_elements_in_another_order() -> None:
    sent = v5214.build(voucher_of())
    filled = receipt_5214.fill_receipt(sent, outcome_of(("d0", 123_456, "")))
    moved = replaced(filled, _PAID, "")
    moved = moved.replace(b"<Voucher>", f"<Voucher><Local>a</Local>{_PAID}".encode(), 1)
    assert receipt_5214.parse_receipt(moved) == receipt_5214.parse_receipt(filled)


@settings(max_examples=40, deadline=None)
@given(amounts_fen=AMOUNTS_FEN, data=st.data())
def test_what_was_paid_is_the_sum_of_the_lines_paid(
    amounts_fen: tuple[int, ...], data: st.DataObject
) -> None:
    voucher = voucher_of(amounts_fen)
    paid = data.draw(st.lists(st.booleans(), min_size=len(amounts_fen), max_size=len(amounts_fen)))
    outcome = outcome_of(
        *[
            (line.id, line.pay_amt if ok else 0, "" if ok else "账号不存在")
            for line, ok in zip(voucher.details, paid, strict=True)
        ]
    )
    receipt = receipt_5214.parse_receipt(receipt_5214.fill_receipt(v5214.build(voucher), outcome))
    expected = [a if ok else 0 for a, ok in zip(amounts_fen, paid, strict=True)]
    assert [line.x_pay_amt for line in receipt.details] == expected
    assert yuan(receipt.x_pay_amt) == yuan(sum(expected))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_receipt_raises_nothing_but_our_errors(data: st.DataObject) -> None:
    sent = v5214.build(voucher_of())
    damaged = bytearray(receipt_5214.fill_receipt(sent, outcome_of(("d0", 123_456, "已付"))))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    for read in (receipt_5214.parse_receipt, v5214.parse):
        code = None
        try:
            read(bytes(damaged))
        except GuokuError as error:
            code = error.code
        assert code in (None, Code.MALFORMED, Code.RECEIPT_MISMATCH, Code.DETAILS_MISMATCH)

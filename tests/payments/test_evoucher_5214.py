"""5214 国库集中支付凭证: structure, round trips, details, receipts."""

import datetime as dt
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ledger.errors import Code, GuokuError, Refusal, RequestError
from ledger.money import yuan
from payments.messages import clearing_2301, layout, receipt_5214
from payments.messages import voucher_5214 as v5214
from payments.messages.receipt_5214 import DetailOutcome, VoucherOutcome
from payments.messages.voucher_5214 import Detail5214, Voucher5214
from tests.support.paths import ROOT

# The interface standard's lists in its shorthand: PayeeAcctNo/Name is PayeeAcctNo, PayeeAcctName.
MAIN_FIELDS = """
Id, AdmDivCode, StYear, VtCode, VouDate, VoucherNo, BillNo, FundTypeCode/Name, BgtTypeCode/Name,
PayTypeCode/Name, ProCatCode/Name, MOFDepCode/Name, SupDepCode/Name, AgencyCode/Name,
ExpFuncCode/Name, ExpFuncCode1, ExpFuncName1, ExpFuncCode2, ExpFuncName2, ExpFuncCode3,
ExpFuncName3, GovExpEcoCode/Name, DepExpEcoCode/Name, DepProCode/Name, SetModeCode/Name,
PayBankCode/Name, ClearBankCode/Name, ClearAcctNo/Name/BankName, PayeeAcctNo/Name/BankName/BankNo,
PayAcctNo/Name/BankName, PaySummaryCode/Name, PayAmt, BusinessTypeCode/Name, TaxBillNo, TaxayerID,
TaxOrgCode, GovProcurementID, CheckNo, PayCode, ForeignAmt, CurrencyCode, EstRat, AmtUnit, XPayDate,
XAgentBusinessNo, XCheckNo, XPayAmt, XPayeeAcctBankName/No/Name, Hold1, Hold2, DetailList
"""
DETAIL_FIELDS = """
Id, VoucherBillId, VoucherBillNo, VoucherDetailNo, FundTypeCode/Name, BgtTypeCode/Name,
ProCatCode/Name, PayKindCode/Name, MOFDepCode/Name, SupDepCode/Name, AgencyCode/Name,
ExpFuncCode/Name, GovExpEcoCode/Name, DepExpEcoCode/Name, DepProCode/Name,
PayeeAcctNo/Name/BankName/BankNo, TrackingID, PayAmt, Remark, ForeignAmt, CurrencyCode, EstRat,
ReceiverCode, AmtUnit, XPayDate, XAgentBusinessNo, XCheckNo, XPayAmt, XAddWord,
XPayeeAcctBankName/No/Name, Hold1, Hold2, Hold3, Hold4
"""
DAY = dt.date(2026, 3, 2)


def _expand(shorthand: str) -> list[str]:
    tags = []
    for entry in shorthand.replace("\n", " ").split(","):
        first, *rest = entry.strip().split("/")
        stem = re.sub(r"(Code|BankName|No)$", "", first)
        tags += [first, *(stem + ending for ending in rest)]
    return tags


def _voucher(amounts_fen: tuple[int, ...] = (123_456,), **changes: Any) -> Voucher5214:
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


def _outcome(*details: tuple[str, int, str], serial: str = "B20260302-7") -> VoucherOutcome:
    return VoucherOutcome(
        x_pay_date=DAY,
        x_agent_business_no=serial,
        details=tuple(
            DetailOutcome(id=id_, x_pay_amt=amount_fen, x_add_word=word)
            for id_, amount_fen, word in details
        ),
    )


def _replace(data: bytes, old: str, new: str, count: int = 1) -> bytes:
    assert old.encode("gbk") in data
    return data.replace(old.encode("gbk"), new.encode("gbk"), count)


def test_the_elements_are_the_standards_in_its_order() -> None:
    root = etree.fromstring(v5214.build(_voucher()))
    assert root.tag == "Voucher"
    assert [child.tag for child in root] == _expand(MAIN_FIELDS)
    (detail,) = root.findall("DetailList/Detail")
    assert [child.tag for child in detail] == _expand(DETAIL_FIELDS)


def test_the_contents_are_where_a_bank_looks_for_them() -> None:
    root = etree.fromstring(v5214.build(_voucher((100, 2_50))))  # read by libxml2's own GBK
    main = {child.tag: child.text for child in root}
    assert main["VtCode"] == "5214"
    assert main["VouDate"] == "20260302"
    assert main["StYear"] == "2026"
    assert main["PayAmt"] == "3.50"
    assert main["SupDepCode"] == "101"
    assert [main[f"ExpFuncCode{n}"] for n in (1, 2, 3)] == ["201", "01", "01"]
    assert main["AgencyName"] == "甲单位"
    assert main["XPayAmt"] is None
    second = {child.tag: child.text for child in root.findall("DetailList/Detail")[1]}
    assert second["VoucherBillId"] == main["Id"]
    assert second["VoucherBillNo"] == "W002626000001"
    assert second["PayAmt"] == "2.50"
    assert second["ExpFuncCode"] == "2010101"
    assert second["SupDepName"] == "甲部门"
    assert second["XAddWord"] is None


def test_the_same_voucher_gives_the_same_bytes() -> None:
    data = v5214.build(_voucher())
    assert data == v5214.build(_voucher())
    assert data.startswith(b'<?xml version="1.0" encoding="GBK"?><Voucher><Id>0197e0d2-0001</Id>')
    assert data.endswith(b"</Detail></DetailList></Voucher>")
    assert b"<Hold1></Hold1>" in data
    assert v5214.build(v5214.parse(data)) == data


_TEXT = st.text(
    st.one_of(
        st.sampled_from("&<>\"'\t\n\r ];国库支付"),
        st.characters(codec="gbk", exclude_categories=["Cc"]),
    ),
    max_size=12,
)
_AMOUNTS = st.lists(st.integers(1, 10**15), min_size=1, max_size=4).map(tuple)
_TEXT_FIELDS = [
    f.name
    for f in msgspec.structs.fields(Voucher5214)
    if f.type is str and f.name not in ("id", "voucher_no", "adm_div_code")
]
_DETAIL_TEXT_FIELDS = [
    f.name for f in msgspec.structs.fields(Detail5214) if f.type is str and f.name != "id"
]


@settings(max_examples=60, deadline=None)
@given(
    amounts_fen=_AMOUNTS,
    texts=st.fixed_dictionaries(dict.fromkeys(_TEXT_FIELDS, _TEXT)),
    line=st.fixed_dictionaries(dict.fromkeys(_DETAIL_TEXT_FIELDS, _TEXT)),
    number=_TEXT.filter(bool),
    day=st.dates(),
)
def test_every_text_survives_the_way_there_and_back(
    amounts_fen: tuple[int, ...],
    texts: dict[str, str],
    line: dict[str, str],
    number: str,
    day: dt.date,
) -> None:
    voucher = _voucher(amounts_fen, **texts, voucher_no=number, vou_date=day)
    first = msgspec.structs.replace(voucher.details[0], **line)
    voucher = msgspec.structs.replace(voucher, details=(first, *voucher.details[1:]))
    data = v5214.build(voucher)
    assert v5214.parse(data) == voucher
    outcome = _outcome(*[(d.id, d.pay_amt, "已付") for d in voucher.details])
    receipt = receipt_5214.parse_receipt(receipt_5214.fill_receipt(data, outcome))
    assert receipt.voucher_no == number
    assert receipt.x_pay_amt == voucher.pay_amt


def _by_lxml(v: Voucher5214) -> bytes:
    """The document element by element, as the standard lists them: another writer's work."""
    main = {
        **_texts(v, _expand(MAIN_FIELDS)),
        "VtCode": "5214",
        "StYear": str(v.st_year),
        "VouDate": v.vou_date.strftime("%Y%m%d").zfill(8),
        "SupDepCode": v.agency_code[:3],
        "PayAmt": yuan(v.pay_amt),
        "ExpFuncCode1": v.exp_func_code[:3],
        "ExpFuncCode2": v.exp_func_code[3:5],
        "ExpFuncCode3": v.exp_func_code[5:],
    }
    root = etree.Element("Voucher")
    for tag in _expand(MAIN_FIELDS):
        etree.SubElement(root, tag).text = main.get(tag, "")
    for line in v.details:
        numbers = {
            "VoucherBillId": v.id,
            "VoucherBillNo": v.voucher_no,
            "PayAmt": yuan(line.pay_amt),
        }
        own = dict.fromkeys(_expand(DETAIL_FIELDS), "") | _texts(line, _expand(DETAIL_FIELDS))
        detail = etree.SubElement(root[-1], "Detail")
        for tag in _expand(DETAIL_FIELDS):
            of_line = tag in numbers or layout.field_name(tag) in Detail5214.__struct_fields__
            text = (own | numbers)[tag] if of_line else main.get(tag, "")
            etree.SubElement(detail, tag).text = text
    written = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="GBK"?>{written}'.encode("gbk")


def _texts(source: Any, tags: list[str]) -> dict[str, str]:
    fields = {layout.field_name(tag): tag for tag in tags}
    return {
        fields[f.name]: getattr(source, f.name)
        for f in msgspec.structs.fields(type(source))
        if f.type is str
    }


@settings(max_examples=80, deadline=None)
@given(
    amounts_fen=_AMOUNTS,
    texts=st.fixed_dictionaries(dict.fromkeys(_TEXT_FIELDS, _TEXT)),
    line=st.fixed_dictionaries(dict.fromkeys(_DETAIL_TEXT_FIELDS, _TEXT)),
    day=st.dates(),
)
def test_the_bytes_are_those_that_an_xml_library_writes(
    amounts_fen: tuple[int, ...], texts: dict[str, str], line: dict[str, str], day: dt.date
) -> None:
    voucher = _voucher(amounts_fen, **texts, vou_date=day)
    first = msgspec.structs.replace(voucher.details[0], **line)
    voucher = msgspec.structs.replace(voucher, details=(first, *voucher.details[1:]))
    assert v5214.build(voucher) == _by_lxml(voucher)


@pytest.mark.parametrize("character", ["𠮷", "😀", "㛃", "\x00", "\x1f"])
@pytest.mark.parametrize("field", _TEXT_FIELDS)
def test_a_character_outside_gbk_is_refused_naming_its_field(field: str, character: str) -> None:
    with pytest.raises(RequestError) as caught:
        v5214.build(msgspec.structs.replace(_voucher(), **{field: f"甲乙丙丁{character}"}))
    assert caught.value.code is Code.MALFORMED
    pointer = caught.value.extra["pointer"]
    assert re.sub("[^a-z0-9]", "", pointer.lower()) == field.replace("_", "")


def test_a_character_outside_gbk_in_a_line_is_refused_naming_the_line() -> None:
    voucher = _voucher((1, 2, 3))
    lines = list(voucher.details)
    lines[2] = msgspec.structs.replace(lines[2], payee_acct_name="王𠮷")
    with pytest.raises(RequestError) as caught:
        v5214.build(msgspec.structs.replace(voucher, details=tuple(lines)))
    assert caught.value.extra["pointer"] == "/DetailList/2/PayeeAcctName"


def test_499_details_pass_and_500_do_not() -> None:
    voucher = _voucher((1,) * 499)
    assert len(v5214.parse(v5214.build(voucher)).details) == 499
    with pytest.raises(Refusal) as caught:
        v5214.build(_voucher((1,) * 500))
    assert caught.value.code is Code.DETAILS_MISMATCH
    data = v5214.build(voucher)
    one_more = data.replace(b"<Detail>", b"<Detail><Id>x</Id></Detail><Detail>", 1)
    with pytest.raises(RequestError):
        v5214.parse(one_more)


@pytest.mark.parametrize(
    "change",
    [
        {"details": ()},
        {"pay_amt": 123_455},
        {"details": (Detail5214(id="", pay_amt=123_456),)},
        {"details": (Detail5214(id="a", pay_amt=123_400), Detail5214(id="a", pay_amt=56))},
        {"details": (Detail5214(id="a", pay_amt=123_457), Detail5214(id="b", pay_amt=-1))},
        {"details": (Detail5214(id="a", pay_amt=123_456), Detail5214(id="b", pay_amt=0))},
        {"details": (Detail5214(id="a", pay_amt=10**18),), "pay_amt": 10**18},
    ],
)
def test_details_that_do_not_make_the_voucher_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        v5214.build(_voucher(**change))
    assert caught.value.code is Code.DETAILS_MISMATCH


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"voucher_no": ""},
        {"adm_div_code": "440000000"},
        {"adm_div_code": "４４００００"},
        {"st_year": 26},
    ],
)
def test_a_voucher_without_its_identifiers_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        v5214.build(_voucher(**change))
    assert caught.value.code is Code.MALFORMED


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        ("<BillNo>", "<BillNum>", ""),
        ("<Hold1></Hold1>", "", "/Hold1"),
        ("<Hold1></Hold1>", "<Hold1>x</Hold1>", "/Hold1"),
        ("<Hold2></Hold2>", "<Hold2></Hold2><Hold3></Hold3>", "/Hold3"),
        ("<Hold2></Hold2>", "<Hold2></Hold2><Hold2></Hold2>", "/Hold2"),
        ("<XPayAmt></XPayAmt>", "<XPayAmt>1.00</XPayAmt>", "/XPayAmt"),
        ("<SupDepCode>101", "<SupDepCode>102", "/SupDepCode"),
        ("<ExpFuncCode1>201", "<ExpFuncCode1>205", "/ExpFuncCode1"),
        ("<VtCode>5214", "<VtCode>5201", "/VtCode"),
        ("<VouDate>20260302", "<VouDate>20260230", "/VouDate"),
        ("<VouDate>20260302", "<VouDate>2026-03-02", "/VouDate"),
        ("<StYear>2026", "<StYear>２０２６", "/StYear"),
        ("<PayAmt>1234.56", "<PayAmt>1234.5", "/PayAmt"),
        ("<PayAmt>1234.56", "<PayAmt>1.23456E3", "/PayAmt"),
        ("<PayAmt>1234.56", "<PayAmt>-1234.56", "/PayAmt"),
        ("<PayAmt>1234.56", "<PayAmt> 1234.56", "/PayAmt"),
        (
            "<VoucherBillNo>W002626000001",
            "<VoucherBillNo>W002626000002",
            "/DetailList/0/VoucherBillNo",
        ),
        ("<AgencyName>甲单位", "<AgencyName>甲<b>单位</b>", "/AgencyName"),
        ("<DetailList>", "<DetailList></DetailList><DetailList>", "/DetailList"),
        ("<Detail>", "<Line></Line><Detail>", "/DetailList/0"),
    ],
)
def test_a_voucher_that_is_not_whole_and_consistent_is_refused(
    old: str, new: str, pointer: str
) -> None:
    data = _replace(v5214.build(_voucher()), old, new)
    if old == "<BillNo>":
        data, pointer = _replace(data, "</BillNo>", "</BillNum>"), "/BillNo"
    with pytest.raises(RequestError) as caught:
        v5214.parse(data)
    assert caught.value.code is Code.MALFORMED
    assert caught.value.extra["pointer"] == pointer


def test_white_space_between_elements_and_a_missing_declaration_are_tolerated() -> None:
    data = v5214.build(_voucher())
    spaced = data.replace(b"><", b">\n  <").replace(b"<Hold1>\n  </Hold1>", b"<Hold1/>")
    spaced = re.sub(rb"<(\w+)>\n  </\1>", rb"<\1/>", spaced)
    assert v5214.parse(spaced) == _voucher()
    assert v5214.parse(data.removeprefix(b'<?xml version="1.0" encoding="GBK"?>')) == _voucher()


def test_a_receipt_tells_what_was_paid_and_what_was_not() -> None:
    sent = v5214.build(_voucher((100, 200, 300)))
    outcome = _outcome(("d2", 300, ""), ("d0", 100, ""), ("d1", 0, "账号户名不符"))
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
    sent = v5214.build(_voucher((100, 200)))
    filled = receipt_5214.fill_receipt(sent, _outcome(("d0", 100, ""), ("d1", 0, "户名不符")))
    emptied = re.sub(rb"<(X\w+)>[^<]*</\1>", rb"<\1></\1>", filled)
    assert emptied == sent
    with pytest.raises(RequestError):
        v5214.parse(filled)


@pytest.mark.parametrize(
    "outcome",
    [
        _outcome(),
        _outcome(("d0", 100, "")),
        _outcome(("d0", 100, ""), ("d0", 100, "")),
        _outcome(("d0", 100, ""), ("d1", 200, ""), ("d2", 0, "?")),
        _outcome(("d0", 100, ""), ("d1", 199, "")),
        _outcome(("d0", 100, ""), ("d1", -200, "")),
        _outcome(("d0", 100, ""), ("d1", 0, "")),
    ],
)
def test_an_outcome_that_does_not_fit_the_voucher_is_refused(outcome: VoucherOutcome) -> None:
    with pytest.raises(Refusal) as caught:
        receipt_5214.fill_receipt(v5214.build(_voucher((100, 200))), outcome)
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
    sent = v5214.build(_voucher())
    filled = receipt_5214.fill_receipt(sent, _outcome(("d0", 123_456, "")))
    with pytest.raises(GuokuError) as caught:
        receipt_5214.parse_receipt(_replace(filled, old, new))
    assert caught.value.code is code


def test_a_line_paid_in_part_or_answered_twice_is_refused() -> None:
    sent = v5214.build(_voucher((100, 200)))
    filled = receipt_5214.fill_receipt(sent, _outcome(("d0", 100, ""), ("d1", 200, "")))
    twice = _replace(filled, "<Id>d1</Id>", "<Id>d0</Id>")
    with pytest.raises(RequestError) as malformed:
        receipt_5214.parse_receipt(twice)
    assert malformed.value.code is Code.MALFORMED
    part = _replace(filled, "<XPayAmt>2.00", "<XPayAmt>1.50")
    part = _replace(part, "<XPayAmt>3.00", "<XPayAmt>2.50")
    with pytest.raises(Refusal) as mismatch:
        receipt_5214.parse_receipt(part)
    assert mismatch.value.code is Code.RECEIPT_MISMATCH
    assert mismatch.value.extra["pointer"] == "/DetailList/1/XPayAmt"


def test_a_voucher_as_sent_is_no_receipt() -> None:
    with pytest.raises(RequestError):
        receipt_5214.parse_receipt(v5214.build(_voucher()))


def test_a_receipt_may_have_more_elements_in_another_order() -> None:
    sent = v5214.build(_voucher())
    filled = receipt_5214.fill_receipt(sent, _outcome(("d0", 123_456, "")))
    moved = _replace(filled, _PAID, "")
    moved = moved.replace(b"<Voucher>", f"<Voucher><Local>a</Local>{_PAID}".encode(), 1)
    assert receipt_5214.parse_receipt(moved) == receipt_5214.parse_receipt(filled)


@settings(max_examples=40, deadline=None)
@given(amounts_fen=_AMOUNTS, data=st.data())
def test_what_was_paid_is_the_sum_of_the_lines_paid(
    amounts_fen: tuple[int, ...], data: st.DataObject
) -> None:
    voucher = _voucher(amounts_fen)
    paid = data.draw(st.lists(st.booleans(), min_size=len(amounts_fen), max_size=len(amounts_fen)))
    outcome = _outcome(
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
    sent = v5214.build(_voucher())
    damaged = bytearray(receipt_5214.fill_receipt(sent, _outcome(("d0", 123_456, "已付"))))
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


def test_the_documentation_lists_every_element() -> None:
    text = (ROOT / "docs" / "evoucher.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"\w+", text))
    for form in (v5214.MAIN, v5214.DETAIL, clearing_2301.MAIN, clearing_2301.DETAIL):
        assert set(form.tags) <= documented, set(form.tags) - documented

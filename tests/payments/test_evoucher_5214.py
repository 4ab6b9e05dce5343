"""5214 国库集中支付凭证: structure, round trips, details."""

import datetime as dt
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ledger.errors import Code, Refusal, RequestError
from ledger.money import yuan
from payments.messages import clearing_2301, layout, receipt_5214
from payments.messages import voucher_5214 as v5214
from payments.messages.voucher_5214 import Detail5214, Voucher5214
from tests.support.paths import ROOT
from tests.support.vouchers_5214 import AMOUNTS_FEN, outcome_of, replaced, voucher_of

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


def _expand(shorthand: str) -> list[str]:
    tags = []
    for entry in shorthand.replace("\n", " ").split(","):
        first, *rest = entry.strip().split("/")
        stem = re.sub(r"(Code|BankName|No)$", "", first)
        tags += [first, *(stem + ending for ending in rest)]
    return tags


def test_the_elements_are_the_standards_in_its_order() -> None:
    root = etree.fromstring(v5214.build(voucher_of()))
    assert root.tag == "Voucher"
    assert [child.tag for child in root] == _expand(MAIN_FIELDS)
    (detail,) = root.findall("DetailList/Detail")
    assert [child.tag for child in detail] == _expand(DETAIL_FIELDS)


def test_the_contents_are_where_a_bank_looks_for_them() -> None:
    root = etree.fromstring(v5214.build(voucher_of((100, 2_50))))  # read by libxml2's own GBK
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
    data = v5214.build(voucher_of())
    assert data == v5214.build(voucher_of())
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
    amounts_fen=AMOUNTS_FEN,
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
    voucher = voucher_of(amounts_fen, **texts, voucher_no=number, vou_date=day)
    first = msgspec.structs.replace(voucher.details[0], **line)
    voucher = msgspec.structs.replace(voucher, details=(first, *voucher.details[1:]))
    data = v5214.build(voucher)
    assert v5214.parse(data) == voucher
    outcome = outcome_of(*[(d.id, d.pay_amt, "已付") for d in voucher.details])
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
    amounts_fen=AMOUNTS_FEN,
    texts=st.fixed_dictionaries(dict.fromkeys(_TEXT_FIELDS, _TEXT)),
    line=st.fixed_dictionaries(dict.fromkeys(_DETAIL_TEXT_FIELDS, _TEXT)),
    day=st.dates(),
)
def test_the_bytes_are_those_that_an_xml_library_writes(
    amounts_fen: tuple[int, ...], texts: dict[str, str], line: dict[str, str], day: dt.date
) -> None:
    voucher = voucher_of(amounts_fen, **texts, vou_date=day)
    first = msgspec.structs.replace(voucher.details[0], **line)
    voucher = msgspec.structs.replace(voucher, details=(first, *voucher.details[1:]))
    assert v5214.build(voucher) == _by_lxml(voucher)


@pytest.mark.parametrize("character", ["𠮷", "😀", "㛃", "\x00", "\x1f"])
@pytest.mark.parametrize("field", _TEXT_FIELDS)
def test_a_character_outside_gbk_is_refused_naming_its_field(field: str, character: str) -> None:
    with pytest.raises(RequestError) as caught:
        v5214.build(msgspec.structs.replace(voucher_of(), **{field: f"甲乙丙丁{character}"}))
    assert caught.value.code is Code.MALFORMED
    pointer = caught.value.extra["pointer"]
    assert re.sub("[^a-z0-9]", "", pointer.lower()) == field.replace("_", "")


def test_a_character_outside_gbk_in_a_line_is_refused_naming_the_line() -> None:
    voucher = voucher_of((1, 2, 3))
    lines = list(voucher.details)
    lines[2] = msgspec.structs.replace(lines[2], payee_acct_name="王𠮷")
    with pytest.raises(RequestError) as caught:
        v5214.build(msgspec.structs.replace(voucher, details=tuple(lines)))
    assert caught.value.extra["pointer"] == "/DetailList/2/PayeeAcctName"


def test_499_details_pass_and_500_do_not() -> None:
    voucher = voucher_of((1,) * 499)
    assert len(v5214.parse(v5214.build(voucher)).details) == 499
    with pytest.raises(Refusal) as caught:
        v5214.build(voucher_of((1,) * 500))
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
        v5214.build(voucher_of(**change))
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
        v5214.build(voucher_of(**change))
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
    data = replaced(v5214.build(voucher_of()), old, new)
    if old == "<BillNo>":
        data, pointer = replaced(data, "</BillNo>", "</BillNum>"), "/BillNo"
    with pytest.raises(RequestError) as caught:
        v5214.parse(data)
    assert caught.value.code is Code.MALFORMED
    assert caught.value.extra["pointer"] == pointer


def test_white_space_between_elements_and_a_missing_declaration_are_tolerated() -> None:
    data = v5214.build(voucher_of())
    spaced = data.replace(b"><", b">\n  <").replace(b"<Hold1>\n  </Hold1>", b"<Hold1/>")
    spaced = re.sub(rb"<(\w+)>\n  </\1>", rb"<\1/>", spaced)
    assert v5214.parse(spaced) == voucher_of()
    assert v5214.parse(data.removeprefix(b'<?xml version="1.0" encoding="GBK"?>')) == voucher_of()


def test_the_documentation_lists_every_element() -> None:
    text = (ROOT / "docs" / "evoucher.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"\w+", text))
    for form in (v5214.MAIN, v5214.DETAIL, clearing_2301.MAIN, clearing_2301.DETAIL):
        assert set(form.tags) <= documented, set(form.tags) - documented

"""Vouchers are read by a pattern where they stand as we write them: nothing may come out other than
when they are parsed whole, however they were damaged or tampered with."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import GuokuError, RequestError
from payments.messages import clearing_2301 as clearing
from payments.messages import receipt_5214
from payments.messages import voucher_5214 as v5214
from payments.messages.fixed_layout import FixedLayout
from payments.messages.reader import parted, read_main
from tests.payments.test_evoucher_clearing import _claim, _cleared
from tests.support.vouchers_5214 import outcome_of as _outcome
from tests.support.vouchers_5214 import voucher_of as _voucher

SENT = v5214.build(_voucher((100, 200, 300)))
RECEIPT = receipt_5214.fill_receipt(
    SENT, _outcome(("d0", 100, ""), ("d1", 0, "账号户名不符"), ("d2", 300, ""))
)
CLAIM = clearing.build(_claim())
CLEARED = clearing.fill_receipt(CLAIM, _cleared())
PIECES = (
    *(b"<Detail>", b"</Detail>", b"<DetailList>", b"</DetailList>", b"</DetailList >"),
    *(b"<Id>1</Id>", b"<VoucherNo>W</VoucherNo>", b"<Hold1/>", b"&amp;", b"&#13;", b" ", b"\n"),
    *(b"<![CDATA[", b"]]>", b"<!-- -->", b"<?x?>", b"\x81", b"\x80", b"\xff", b"\x00", b"0", b"x"),
)


def read(way: Callable[[bytes], Any], data: bytes) -> Any:
    """What comes of it, or the refusal as its reader sees it."""
    try:
        return way(data)
    except GuokuError as error:
        return error.code, error.detail, error.extra


def parsed_whole(way: Callable[[bytes], Any], data: bytes) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FixedLayout, "read", lambda _self, _data: None)
        return read(way, data)


@st.composite
def damaged(draw: st.DrawFn, document: bytes) -> bytes:
    """The document with a piece cut out, put in, or put in another's place."""
    start = draw(st.integers(0, len(document)))
    end = min(len(document), start + draw(st.sampled_from([0, 0, 1, 2, 7, 60])))
    inserted = draw(st.lists(st.sampled_from(PIECES), max_size=2))
    return document[:start] + b"".join(inserted) + document[end:]


# texts that one reader might take and another not; beside those that stand elsewhere in a document
ODD_TEXTS = (
    *("", "0", "0.00", "-1.00", "+1.00", "01.00", "1.0", "1_0.00", "１.００", "2.00", "6.00"),
    *(
        "2026-03-02",
        "2026W101",
        "20260230",
        "2026_302",
        "２０２６０３０２",
        "20260302" * 3,
        "9" * 5_000,
    ),
    *(" 2026", "0999", "２０２６", "10000", "4400000", "d0", "d1", "a%b", "%s", "\x7f", "　", "'"),
    *("9" * 16 + ".99", "9" * 17 + ".99", "1e2.00", "5214", "2301", "2302"),
)
FILLED = re.compile(rb"<([A-Za-z0-9]+)>([^<]+)</\1>")


@st.composite
def reworded(draw: st.DrawFn, document: bytes) -> bytes:
    """The document with other texts, also the same one wherever it is repeated."""
    texts = [match[2] for match in FILLED.finditer(document)]
    others = st.sampled_from([*(text.encode("gbk") for text in ODD_TEXTS), *texts])
    for _ in range(draw(st.integers(1, 3))):
        old, new = draw(st.sampled_from(texts)), draw(others)
        document = document.replace(b">%b<" % old, b">%b<" % new, draw(st.sampled_from([-1, 1, 2])))
    return document


@settings(max_examples=400, deadline=None)
@given(data=reworded(SENT))
def test_a_voucher_of_other_texts_says_the_same_both_ways(data: bytes) -> None:
    assert read(v5214.parse, data) == parsed_whole(v5214.parse, data)


@settings(max_examples=400, deadline=None)
@given(data=reworded(RECEIPT))
def test_a_receipt_of_other_texts_says_the_same_both_ways(data: bytes) -> None:
    way = receipt_5214.parse_receipt
    assert read(way, data) == parsed_whole(way, data)


@settings(max_examples=300, deadline=None)
@given(data=reworded(CLAIM))
def test_a_claim_of_other_texts_says_the_same_both_ways(data: bytes) -> None:
    assert read(clearing.parse, data) == parsed_whole(clearing.parse, data)


@settings(max_examples=300, deadline=None)
@given(data=reworded(CLEARED))
def test_a_claims_receipt_of_other_texts_says_the_same_both_ways(data: bytes) -> None:
    way = clearing.parse_receipt
    assert read(way, data) == parsed_whole(way, data)


@pytest.mark.parametrize("day", ["20260302" * 3, "9" * 5_000])
def test_a_date_without_end_is_malformed_and_no_failure_of_ours(day: str) -> None:
    """The platform's dates have other errors for a number that is far too large for one."""
    sent = re.sub(rb"<VouDate>[0-9]+<", b"<VouDate>%b<" % day.encode(), SENT)
    paid = re.sub(rb"<XPayDate>[0-9]+<", b"<XPayDate>%b<" % day.encode(), RECEIPT)

    for way, data, tag in (
        (v5214.parse, sent, "VouDate"),
        (receipt_5214.parse_receipt, paid, "XPayDate"),
    ):
        with pytest.raises(RequestError, match=f"{tag} is not a date YYYYMMDD"):
            way(data)


@settings(max_examples=400, deadline=None)
@given(data=damaged(SENT) | damaged(SENT).flatmap(damaged))
def test_a_voucher_says_the_same_both_ways(data: bytes) -> None:
    assert read(v5214.parse, data) == parsed_whole(v5214.parse, data)


@settings(max_examples=400, deadline=None)
@given(data=damaged(RECEIPT) | damaged(RECEIPT).flatmap(damaged))
def test_a_receipt_says_the_same_both_ways(data: bytes) -> None:
    way = receipt_5214.parse_receipt
    assert read(way, data) == parsed_whole(way, data)


@settings(max_examples=300, deadline=None)
@given(data=damaged(CLAIM) | damaged(CLAIM).flatmap(damaged))
def test_a_claim_says_the_same_both_ways(data: bytes) -> None:
    assert read(clearing.parse, data) == parsed_whole(clearing.parse, data)


@settings(max_examples=300, deadline=None)
@given(data=damaged(CLEARED) | damaged(CLEARED).flatmap(damaged))
def test_a_claims_receipt_says_the_same_both_ways(data: bytes) -> None:
    way = clearing.parse_receipt
    assert read(way, data) == parsed_whole(way, data)


@settings(max_examples=400, deadline=None)
@given(data=damaged(SENT).flatmap(damaged))
def test_a_main_form_is_the_same_without_its_details(data: bytes) -> None:
    """Where the whole can be read, and has one list, its list hides nothing of the main form."""
    whole = read(v5214.parse, data)
    if isinstance(whole, v5214.Voucher5214) and (parts := parted(data)) is not None:
        assert read_main(parts[0]) == read_main(data)


@settings(max_examples=200, deadline=None)
@given(data=st.just(SENT) | damaged(SENT), reason=st.sampled_from(["账号户名不符", "甲<乙>"]))
def test_a_receipt_is_the_voucher_filled_in_or_written_anew_all_the_same(
    data: bytes, reason: str
) -> None:
    """Of any voucher that can be read: both ways the bank says the same."""
    outcome = _outcome(("d0", 100, ""), ("d1", 0, reason), ("d2", 300, ""))

    def way(voucher: bytes) -> Any:
        return receipt_5214.parse_receipt(receipt_5214.fill_receipt(voucher, outcome))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(receipt_5214, "_filled", lambda *_: None)
        anew = read(way, data)
        written = receipt_5214.fill_receipt(SENT, outcome)
    assert read(way, data) == anew
    assert receipt_5214.fill_receipt(SENT, outcome) == written


def test_the_pattern_is_what_reads_our_own_documents() -> None:
    """Else the tests above would compare one way with itself."""
    for document, fixed in ((SENT, v5214.SENT), (RECEIPT, receipt_5214.FIXED)):
        read = fixed.read(document)
        assert read is not None
        main, lines = read
        assert fixed.write(main, lines) == document
        assert [line[0] for line in lines] == ["d0", "d1", "d2"]
    for document in (CLAIM, CLEARED):
        read = clearing.FIXED.read(document)
        assert read is not None
        assert clearing.FIXED.write(*read) == document


@pytest.mark.parametrize(
    "hidden",
    [
        # a second number, in what a careless cut would take for the list
        b"<DetailList></DetailList ><VoucherNo>EVIL</VoucherNo><Z><![CDATA[</DetailList>]]></Z>",
        b"<DetailList></DetailList><VoucherNo>EVIL</VoucherNo><DetailList></DetailList>",
        b"<Z><![CDATA[<DetailList>]]></Z><VoucherNo>EVIL</VoucherNo><DetailList></DetailList>",
    ],
)
def test_a_cut_hides_no_element_from_the_header_check(hidden: bytes) -> None:
    data = b"<Voucher><VoucherNo>1</VoucherNo>" + hidden + b"</Voucher>"
    parts = parted(data)
    kept = parts[0] if parts else data
    with pytest.raises(GuokuError):
        read_main(kept)


def test_texts_that_need_care_are_written_all_the_same() -> None:
    text = "甲&乙<丙>\r\n100%s%"
    voucher = _voucher((100, 200), agency_name=text, pay_summary_name=text)
    lines = [v5214.Detail5214(id=f"{n}", pay_amt=n, remark=text) for n in (100, 200)]
    voucher = msgspec.structs.replace(voucher, details=tuple(lines))
    assert v5214.parse(v5214.build(voucher)) == voucher


def other_sheets(element: str, text: str) -> list[bytes]:
    """The voucher with another text in every place of an element, one at a time."""
    old, new = f"<{element}>".encode(), f"<{element}>{text}".encode("gbk")
    places = [at for at in range(len(SENT)) if SENT.startswith(old, at)]
    return [SENT[:at] + new + SENT[at + len(old) :] for at in places]


@pytest.mark.parametrize("element", [*v5214.MAIN.tags, "VoucherBillId", "TrackingID", "Remark"])
def test_every_text_that_follows_from_another_is_checked(element: str) -> None:
    """Main form and each line: a text more is either refused, or a field of its own."""
    for data in other_sheets(element, "9"):
        assert data != SENT
        assert read(v5214.parse, data) == parsed_whole(v5214.parse, data)

"""The MOF envelope: what travels is what was signed, and nothing else gets in."""

import base64
import hashlib
import hmac
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ledger.errors import Code, RequestError
from payments.messages.envelope import (
    VoucherBody,
    VoucherSignature,
    add_signature,
    build_envelope,
    parse_envelope,
    signed_bytes,
)
from payments.messages.receipt_5214 import parse_receipt
from tests.support.envelopes import DECLARATION, INNER, body_of, refused


def test_the_structure_is_the_standards() -> None:
    inner_text = base64.b64encode(INNER).decode()
    value = base64.b64encode(b"\x30\x44" * 20).decode()
    assert build_envelope([body_of(return_reason="户名<不符>")]).decode("gbk") == (
        f"{DECLARATION}<MOF><VoucherCount>1</VoucherCount>"
        '<VoucherBody AdmDivCode="440000" StYear="2026" VtCode="5214" VoucherNo="W1">'
        "<VoucherFlag>0</VoucherFlag><Return_Reason>户名&lt;不符&gt;</Return_Reason>"
        f"<Attach></Attach><Voucher>{inner_text}</Voucher><SignStampList/><SignatureList>"
        f'<Signature No="treasury" SN="0A1B">{value}</Signature>'
        "</SignatureList></VoucherBody></MOF>"
    )


def test_another_reader_finds_the_voucher() -> None:
    root = etree.fromstring(build_envelope([body_of()]))
    inner = base64.b64decode(root.findtext("VoucherBody/Voucher") or "")
    assert inner == INNER
    assert etree.fromstring(inner).findtext("AgencyName") == "甲单位"


_TEXT = st.text(st.sampled_from("&<>\"'\t\n\r 国库W1-"), max_size=10)


@settings(max_examples=60, deadline=None)
@given(
    number=_TEXT.filter(bool), reason=_TEXT, role=_TEXT.filter(bool), value=st.binary(min_size=1)
)
def test_every_body_survives_the_way_there_and_back(
    number: str, reason: str, role: str, value: bytes
) -> None:
    escaped = number.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#xD;")
    inner = f"<Voucher>\n <VoucherNo>{escaped}</VoucherNo></Voucher>".encode("gbk")
    receipt = body_of(
        voucher_no=number,
        voucher=inner,
        voucher_flag=1,
        return_reason=reason,
        signatures=tuple(VoucherSignature(no=role, sn=str(n), value=value) for n in range(3)),
    )
    bodies = [body_of(), receipt, body_of(signatures=())]
    data = build_envelope(bodies)
    assert data == build_envelope(bodies)
    assert parse_envelope(data) == bodies


def test_what_is_signed_is_what_arrives_byte_for_byte() -> None:
    """White space, single quotes, references: an inner document is never written again."""
    inner = (
        b"<?xml version='1.0' encoding='GBK'?>\r\n<Voucher >\r\n\t<VoucherNo>&#87;1</VoucherNo>"
        b"<Remark><![CDATA[a<b]]></Remark>\r\n</Voucher>\n"
    )

    def sign(data: bytes) -> bytes:
        return hmac.new(b"key of the test", data, hashlib.sha256).digest()

    body = add_signature(body_of(voucher=inner, signatures=()), no="unit", sn="01", sign=sign)
    body = add_signature(body, no="treasury", sn="02", sign=sign)
    (arrived,) = parse_envelope(build_envelope([body]))
    assert signed_bytes(arrived) == inner
    assert [(s.no, s.sn) for s in arrived.signatures] == [("unit", "01"), ("treasury", "02")]
    assert all(s.value == sign(signed_bytes(arrived)) for s in arrived.signatures)


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("voucher_no", "W2", "VoucherNo"),
        ("voucher_no", "other", "VoucherNo"),
        ("adm_div_code", "440100", "AdmDivCode"),
        ("st_year", 2025, "StYear"),
        ("vt_code", "2301", "VtCode"),
    ],
)
def test_header_and_body_must_name_the_same_voucher(field: str, value: Any, name: str) -> None:
    """报文头与报文体凭证编号不一致（宁夏）: refused on the way out and on the way in."""
    good = body_of()
    with pytest.raises(RequestError):
        build_envelope([msgspec.structs.replace(good, **{field: value})])
    old = f'{name}="{msgspec.to_builtins(good)[field]}"'.encode()
    data = build_envelope([good])
    assert old in data
    error = refused(data.replace(old, f'{name}="{value}"'.encode()))
    assert f'{name} is "{value}" in the header' in error.detail
    assert error.extra["pointer"].endswith(name)


def test_a_voucher_without_a_number_is_refused() -> None:
    with pytest.raises(RequestError, match="the voucher has no VoucherNo"):
        build_envelope([body_of(voucher=b"<Voucher><Id>1</Id></Voucher>")])


@pytest.mark.parametrize(
    "change",
    [
        {"adm_div_code": "440000000"},
        {"st_year": 26},
        {"vt_code": ""},
        {"voucher_no": ""},
        {"return_reason": "𠮷"},
        {"return_reason": "\x02"},
        {"voucher": b"not XML"},
        {"voucher": b""},
        {"signatures": (VoucherSignature(no="", sn="1", value=b"1"),)},
        {"signatures": (VoucherSignature(no="unit", sn="1", value=b""),)},
    ],
)
def test_what_would_not_be_read_is_not_written(change: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        build_envelope([body_of(**change)])
    assert caught.value.code is Code.MALFORMED


def test_an_empty_envelope_is_not_written() -> None:
    with pytest.raises(RequestError):
        build_envelope([])


def _edit(old: str, new: str) -> bytes:
    data = build_envelope([body_of()])
    assert old.encode() in data
    return data.replace(old.encode(), new.encode("gbk"), 1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<VoucherCount>1", "<VoucherCount>2", "VoucherCount is not the number"),
        ("<VoucherCount>1", "<VoucherCount>01", "VoucherCount is not the number"),
        ("<VoucherCount>1", "<VoucherCount>", "VoucherCount is not the number"),
        ("<VoucherCount>1</VoucherCount>", "", "MOF holds VoucherCount, then"),
        ("<VoucherCount>", "<Extra/><VoucherCount>", "MOF holds VoucherCount, then"),
        ("<VoucherFlag>0", "<VoucherFlag>2", "VoucherFlag is neither"),
        ("<VoucherFlag>0</VoucherFlag>", "", "VoucherFlag is missing"),
        ("<Attach></Attach>", "<Attach>QQ==</Attach>", "attachments are not taken"),
        ("<Attach></Attach>", "<Attach/><Attach/>", "an element twice"),
        ("<Attach></Attach>", "<Other/>", "an unknown one"),
        ("<SignStampList/>", "<SignStampList><SignStamp/></SignStampList>", "seals (SignStamp)"),
        ("<Signature ", "<Stamp/><Signature ", "not a Signature with"),
        (' SN="0A1B"', "", "not a Signature with"),
        (' StYear="2026"', "", "StYear of the header"),
        ('AdmDivCode="440000"', 'AdmDivCode="44"', "AdmDivCode of the header"),
        ("<Voucher>", "<Voucher>!", "not base64"),
        ("<Voucher>", "<Voucher>A", "not base64"),
        ("<Voucher>", "<Voucher>国", "not base64"),
        ("<Voucher>", "<Voucher><Voucher/>", "holds elements, not text"),
        ('encoding="GBK"', 'encoding="UTF-7"', "the declared encoding is UTF-7"),
        ('encoding="GBK"', 'encoding="UTF-16"', "the declared encoding is UTF-16"),
        (DECLARATION, "", "does not begin with"),
        (DECLARATION, " " + DECLARATION, "does not begin with"),
        (DECLARATION, '<?xml version="1.0"?>', "does not begin with"),
        ("<MOF>", "<!-- -->" + "<MOF>", "a DTD, an entity declaration or a comment"),
        ("<MOF>", "<?php x?><MOF>", "a processing instruction"),
        ("<MOF>", "<MOF", "not well-formed"),
        ("<Return_Reason>", "<Return_Reason>&unknown;", "not well-formed"),
        ("<Return_Reason>", "<Return_Reason>&#0;", "not well-formed"),
    ],
)
def test_a_message_that_is_not_an_envelope_is_refused_with_a_stable_sentence(
    old: str, new: str, message: str
) -> None:
    assert message in refused(_edit(old, new)).detail


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "billion laughs": f'<!DOCTYPE MOF [<!ENTITY l0 "ha">{_LAUGHS}]><MOF>&l9;</MOF>',
    "quadratic": f'<!DOCTYPE MOF [<!ENTITY a "{"a" * 50_000}">]><MOF>{"&a;" * 50_000}</MOF>',
    "external entity": '<!DOCTYPE MOF [<!ENTITY x SYSTEM "file:///etc/passwd">]><MOF>&x;</MOF>',
    "external DTD": '<!DOCTYPE MOF SYSTEM "http://127.0.0.1:9/x.dtd"><MOF/>',
    "deep": "<MOF>" + "<a>" * 100_000 + "</a>" * 100_000 + "</MOF>",
    "wide": "<MOF>" + "<a/>" * 100_000 + "</MOF>",
    "many attributes": "<MOF " + " ".join(f'a{n}="1"' for n in range(20_000)) + "/>",
    "long name": f"<{'M' * 100_000}/>",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_do_not_go_off(name: str) -> None:
    refused((DECLARATION + BOMBS[name]).encode("gbk"))


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_inside_the_voucher_do_not_go_off(name: str) -> None:
    """They arrive, for whoever signed them, and nothing of them is read."""
    bomb = (DECLARATION + BOMBS[name].replace("MOF", "Voucher")).encode("gbk")
    data = build_envelope([body_of()])
    data = data.replace(base64.b64encode(INNER), base64.b64encode(bomb))
    [body] = parse_envelope(data)
    assert body.voucher == bomb
    with pytest.raises(RequestError):
        parse_receipt(bomb)


def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    data = build_envelope([body_of()])
    assert parse_envelope(data, size_max=len(data)) == [body_of()]
    assert "larger than" in refused(data, size_max=len(data) - 1).detail
    assert "larger than" in refused(b"\0" * (8 * 1024 * 1024 + 1)).detail
    filler = INNER.replace(b"<Id>1", b"<Id>" + b"1" * (7 * 1024 * 1024))
    with pytest.raises(RequestError, match="larger than"):
        build_envelope([body_of(voucher=filler)])


def test_a_character_that_cannot_be_read_keeps_no_receipt_back() -> None:
    data = build_envelope([body_of(return_reason="户名不符")])
    for unreadable in (b"\xff\xff", b"\x81", b"\0", b"\x01", b"\x84\x31\xa4\x39"):
        [body] = parse_envelope(data.replace("户".encode("gbk"), unreadable))
        assert body.voucher == INNER
        assert body.return_reason


def test_a_message_in_another_encoding_is_read_only_where_it_says_so() -> None:
    data = build_envelope([body_of(return_reason="户名不符")])
    for encoding in ("utf-16", "utf-32", "utf-16-be"):
        refused(data.decode("gbk").encode(encoding))
    assert parse_envelope(data.decode("gbk").encode("utf-8-sig")) == parse_envelope(data)
    [body] = parse_envelope(data.decode("gbk").encode("utf-8"))
    assert body.return_reason != "户名不符"


def test_base64_may_be_folded() -> None:
    text = base64.b64encode(INNER)
    data = build_envelope([body_of()]).replace(text, base64.encodebytes(INNER))
    assert parse_envelope(data) == [body_of()]


@pytest.mark.fault
def test_a_flipped_bit_is_refused_or_read_but_never_a_crash() -> None:
    data = build_envelope([body_of(return_reason="户名不符")])
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << (position * 5 % 8)
        _read_or_refuse(bytes(damaged))
    for length in range(len(data)):
        refused(data[:length])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 3))
def test_noise_is_refused(noise: bytes, start: int) -> None:
    openings = (b"", DECLARATION.encode(), DECLARATION.encode() + b"<MOF>", b"<?xml")
    refused(openings[start] + noise)


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=60), position=st.integers(0, len(INNER)))
def test_noise_inside_the_voucher_raises_nothing_but_our_errors(
    noise: bytes, position: int
) -> None:
    inner = INNER[:position] + noise + INNER[position:]
    data = build_envelope([body_of()])
    damaged = data.replace(base64.b64encode(INNER), base64.b64encode(inner))
    for body in _read_or_refuse(damaged):
        assert signed_bytes(body) == inner


def _read_or_refuse(data: bytes) -> list[VoucherBody]:
    code, bodies = Code.MALFORMED, []
    try:
        bodies = parse_envelope(data)
    except RequestError as error:
        code = error.code
    assert code is Code.MALFORMED
    return bodies

"""Bank messages as real banks send them: padded signatures, other encodings, stray characters.

Reported of banks in the field, each by an example that was taken for a forgery or refused for its
form before. What the bank paid is not refused for how it is written while its signature holds.
"""

import base64
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from division.certificates import Certificate
from ledger.errors import Code, GuokuError
from ledger.gm.signature import decode_signature
from ledger.reading.documents import decompress
from payments.messages import receipt_5214
from payments.messages.envelope import VoucherBody, build_envelope, parse_envelope
from payments.messages.gbk import DECLARATION
from payments.messages.receipt_5214 import Receipt5214
from payments.refunds.notices import TakeNotice
from payments.voucher import ApplyReceipt
from tests.payments.test_channel_receipts import (
    DAY,
    body_of,
    code,
    own,
    receipt_of,
    signed_by,
    take_in,
    treasury,
)
from tests.support.channel_parties import SigningTreasury

__all__ = ["own", "treasury"]  # fixtures

RARE = "𠮷"  # outside GBK, in GB18030
WORD = "账号户名不符"


def integer(value: int, *, zeros: int) -> bytes:
    content = bytes(zeros) + value.to_bytes(32)
    return bytes((2, len(content))) + content


def in_fixed_fields(r: int, s: int) -> bytes:
    """As a large bank writes it: 33 bytes a number, whatever the number, filled up to 72."""
    body = integer(r, zeros=1) + integer(s, zeros=1)
    return (bytes((0x30, len(body))) + body).ljust(72, b"\0")


def with_zeros_before(r: int, s: int) -> bytes:
    body = integer(r, zeros=3) + integer(s, zeros=2)
    return bytes((0x30, len(body))) + body


def without_sign(r: int, s: int) -> bytes:
    body = integer(r, zeros=0) + integer(s, zeros=0)
    return bytes((0x30, len(body))) + body


def in_long_form(r: int, s: int) -> bytes:
    body = integer(r, zeros=1) + integer(s, zeros=1)
    return bytes((0x30, 0x82, 0, len(body))) + body + bytes(5)


PADDINGS = (in_fixed_fields, with_zeros_before, without_sign, in_long_form)


def padded(body: VoucherBody, padding: Callable[[int, int], bytes]) -> VoucherBody:
    pair = decode_signature(body.signatures[0].value)
    assert pair is not None
    signature = msgspec.structs.replace(body.signatures[0], value=padding(*pair))
    return msgspec.structs.replace(body, signatures=(signature,))


@pytest.mark.parametrize("padding", PADDINGS)
def test_a_padded_signature_is_the_banks_and_is_kept_as_it_came(
    treasury: SigningTreasury,
    own: Certificate,
    padding: Callable[[int, int], bytes],
) -> None:
    treasury.signed(1)
    plain = signed_by(treasury, own, body_of(treasury, "P1", receipt_of(treasury, "P1")))
    body = padded(plain, padding)
    [received] = take_in(treasury, body)
    command = received.command
    assert isinstance(command, ApplyReceipt)
    assert base64.b64decode(command.signature) == body.signatures[0].value
    assert treasury.keeper.do(command, "bank").subjects[0].status == "paid"


@pytest.mark.parametrize("padding", PADDINGS)
def test_canary_padding_makes_nobodys_signature_the_banks(
    treasury: SigningTreasury,
    own: Certificate,
    padding: Callable[[int, int], bytes],
) -> None:
    treasury.signed(1)
    good = signed_by(treasury, own, body_of(treasury, "P1", receipt_of(treasury, "P1")))
    pair = decode_signature(good.signatures[0].value)
    assert pair is not None
    other = padded(good, lambda r, s: padding(r, s ^ 1))
    [received] = take_in(treasury, other)
    assert code(received) == "signature_invalid"
    [received] = take_in(treasury, padded(good, lambda r, s: padding(r, s) + b"\1"))
    assert code(received) == "signature_invalid"


def test_a_persons_signature_has_its_one_encoding(
    treasury: SigningTreasury,
) -> None:
    """Strict for our own: a bank that is shown a padded one of ours refuses it."""
    key = treasury.keys.create("principal/wang")
    signature = treasury.provider.sign(treasury.keys.private_key("principal/wang"), b"voucher")
    pair = decode_signature(signature)
    assert pair is not None
    assert treasury.provider.verify(key, b"voucher", signature)
    for padding in PADDINGS:
        if padding(*pair) != signature:
            assert not treasury.provider.verify(key, b"voucher", padding(*pair))


def declared(document: bytes, encoding: str, codec: str, text: str = WORD) -> bytes:
    """The document with a word of the bank's in it, in another encoding."""
    content = document.decode("gbk").replace(
        "<XAddWord></XAddWord>", f"<XAddWord>{text}</XAddWord>"
    )
    return content.replace('encoding="GBK"', f'encoding="{encoding}"', 1).encode(codec)


ENCODINGS = [
    ("GB2312", "gb2312"),
    ("gb2312", "gbk"),  # says less than it uses: read by what has both
    ("GB18030", "gb18030"),
    ("UTF-8", "utf-8"),
    ("utf-8", "utf-8-sig"),
    ("GBK", "utf-8-sig"),  # the mark says what it is
]


@pytest.mark.parametrize(("encoding", "codec"), ENCODINGS)
def test_a_receipt_says_the_same_in_every_encoding_that_banks_use(
    treasury: SigningTreasury,
    own: Certificate,
    encoding: str,
    codec: str,
) -> None:
    treasury.signed(1)
    document = declared(receipt_of(treasury, "P1"), encoding, codec)
    body = signed_by(treasury, own, body_of(treasury, "P1", document))
    [line] = receipt_5214.parse_receipt(document).details
    assert line.x_add_word == WORD
    [received] = take_in(treasury, body)
    command = received.command
    assert isinstance(command, ApplyReceipt)
    assert (command.xpay_fen, decompress(command.document)) == (100, document)
    assert treasury.keeper.do(command, "bank").subjects[0].status == "paid"


@pytest.mark.parametrize(("encoding", "codec"), ENCODINGS)
def test_the_message_around_it_may_be_in_every_one_of_them(encoding: str, codec: str) -> None:
    inner = b"<Voucher><VoucherNo>1</VoucherNo></Voucher>"
    body = VoucherBody(
        adm_div_code="440000",
        st_year=2026,
        vt_code="5214",
        voucher_no="1",
        voucher_flag=1,
        voucher=inner,
        return_reason=WORD,
    )
    message = build_envelope([body]).decode("gbk").replace("GBK", encoding, 1).encode(codec)
    assert parse_envelope(message) == [body]


@pytest.mark.parametrize(
    "stray",
    [
        RARE.encode("gb18030"),  # one character outside GBK
        b"\x81",  # half a character before a tag
        b"\xff\xff",
        b"\x00",
        b"\x0b",
    ],
)
def test_one_stray_character_of_the_bank_keeps_no_receipt_back(
    treasury: SigningTreasury,
    own: Certificate,
    stray: bytes,
) -> None:
    treasury.signed(1)
    document = receipt_of(treasury, "P1").replace(
        b"<XAddWord></XAddWord>", b"<XAddWord>" + stray + b"</XAddWord>"
    )
    [received] = take_in(treasury, signed_by(treasury, own, body_of(treasury, "P1", document)))
    command = received.command
    assert isinstance(command, ApplyReceipt)
    assert decompress(command.document) == document
    assert treasury.keeper.do(command, "bank").subjects[0].status == "paid"


@pytest.mark.parametrize("edge", [b" ", b"\r\n", b"\t"])
@pytest.mark.parametrize(
    "tag",
    ["VoucherNo", "StYear", "PayAmt", "XPayAmt", "XPayDate", "Id", "PayeeAcctNo", "XPayeeAcctNo"],
)
def test_white_space_around_what_a_bank_says_is_no_part_of_it(
    treasury: SigningTreasury, own: Certificate, tag: str, edge: bytes
) -> None:
    """Amounts and days waited for two persons; a line's id or an account was said to be another's,
    and the voucher's number another than the message's."""
    treasury.signed(1)
    document = receipt_of(treasury, "P1")
    before, after = f"<{tag}>".encode(), f"</{tag}>".encode()
    written = document.replace(before, before + edge).replace(after, edge + after)
    assert written != document
    body = signed_by(treasury, own, body_of(treasury, "P1", written))
    [received] = take_in(treasury, body)
    command = received.command
    assert isinstance(command, ApplyReceipt)
    assert decompress(command.document) == written
    assert treasury.keeper.do(command, "bank").subjects[0].status == "paid"


def test_canary_a_field_that_counts_is_not_guessed(
    treasury: SigningTreasury,
    own: Certificate,
) -> None:
    treasury.signed(1)
    document = receipt_of(treasury, "P1").replace(b"<XPayAmt>1.00<", b"<XPayAmt>1.0\xff<", 1)
    [received] = take_in(treasury, signed_by(treasury, own, body_of(treasury, "P1", document)))
    command = received.command
    assert isinstance(command, TakeNotice)
    assert "XPayAmt" in command.unreadable
    treasury.keeper.do(command, "bank")
    assert treasury.statuses(["P1"]) == ["signed"]


@pytest.mark.parametrize("written", [b"20260302", b"2026-03-02"])
def test_a_date_with_and_without_hyphens_is_that_day(
    treasury: SigningTreasury,
    written: bytes,
) -> None:
    treasury.signed(1)
    document = receipt_of(treasury, "P1").replace(
        b"<XPayDate>20260302<", b"<XPayDate>%b<" % written
    )
    assert receipt_5214.parse_receipt(document).x_pay_date == DAY


@pytest.mark.parametrize("written", [b"2026-0302", b"202603-02", b"2026-3-2", b"02-03-2026"])
def test_canary_what_is_no_date_is_none(treasury: SigningTreasury, written: bytes) -> None:
    treasury.signed(1)
    document = receipt_of(treasury, "P1").replace(
        b"<XPayDate>20260302<", b"<XPayDate>%b<" % written
    )
    with pytest.raises(GuokuError) as caught:
        receipt_5214.parse_receipt(document)
    assert caught.value.code is Code.MALFORMED


# ---- the reader, whatever comes

_LINE = (
    "<Detail><Id>1</Id><PayeeAcctNo>6222</PayeeAcctNo><PayAmt>1.00</PayAmt>"
    "<XPayAmt>1.00</XPayAmt><XAddWord>{word}</XAddWord></Detail>"
)
_MAIN = (
    "<Voucher><AdmDivCode>440000</AdmDivCode><StYear>2026</StYear><VtCode>5214</VtCode>"
    "<VoucherNo>1</VoucherNo><PayAmt>1.00</PayAmt><XPayDate>{day}</XPayDate>"
    "<XAgentBusinessNo>7</XAgentBusinessNo><XPayAmt>1.00</XPayAmt><DetailList>"
)
_WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<>&"))
_ENCODED = st.sampled_from(
    [("GBK", "gb18030"), ("GB2312", "gb18030"), ("gb18030", "gb18030"), ("UTF-8", "utf-8-sig")]
)


def _document(encoding: str, codec: str, word: str, day: str) -> bytes:
    declaration = DECLARATION.replace("GBK", encoding)
    text = _MAIN.format(day=day) + _LINE.format(word=word) + "</DetailList></Voucher>"
    return (declaration + text).encode(codec)


@settings(max_examples=200, deadline=None)
@given(encoded=_ENCODED, word=_WORDS, hyphens=st.booleans(), day=st.dates())
def test_whatever_text_a_bank_adds_the_money_is_read_the_same(
    encoded: tuple[str, str], word: str, hyphens: bool, day: object
) -> None:
    written = str(day) if hyphens else str(day).replace("-", "")
    receipt = receipt_5214.parse_receipt(_document(*encoded, word, written))
    assert (receipt.x_pay_amt, receipt.x_pay_date) == (100, day)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(encoded=_ENCODED, junk=st.binary(max_size=12).filter(lambda b: not set(b) & set(b"<>&")))
def test_whatever_bytes_stand_in_its_free_text_the_money_is_read_the_same(
    encoded: tuple[str, str], junk: bytes
) -> None:
    clean = _document(*encoded, "#", "20260302")
    receipt = receipt_5214.parse_receipt(clean.replace(b"#", junk))
    assert _money(receipt) == _money(receipt_5214.parse_receipt(clean))


def _money(receipt: Receipt5214) -> object:
    lines = [(line.id, line.payee_acct_no, line.x_pay_amt) for line in receipt.details]
    return receipt.voucher_no, receipt.x_pay_amt, receipt.x_pay_date, lines


@settings(max_examples=300, deadline=None)
@given(encoded=_ENCODED, data=st.data())
def test_damage_is_read_or_refused_by_name(encoded: tuple[str, str], data: st.DataObject) -> None:
    damaged = bytearray(_document(*encoded, WORD, "20260302"))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    found = None
    try:
        receipt_5214.parse_receipt(bytes(damaged))
    except GuokuError as error:
        found = error.code
    assert found in (None, Code.MALFORMED, Code.RECEIPT_MISMATCH)

"""GBK: what a bank cannot read is refused by name, never replaced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ledger.errors import Code, RequestError
from payments.messages import gbk

RARE = ["𠮷", "😀", "㛃", "䶮", "€", "ñ", "\u00a0", "・", "\ufeff", "\ud800"]
ILLEGAL = [chr(c) for c in range(0x20) if chr(c) not in "\t\n\r"]


@pytest.mark.parametrize("character", RARE + ILLEGAL)
def test_a_character_that_cannot_be_carried_is_refused_and_the_field_named(character: str) -> None:
    with pytest.raises(RequestError) as caught:
        gbk.encode(f"王{character}明", "PayeeAcctName")
    assert caught.value.code is Code.MALFORMED
    assert caught.value.extra["pointer"] == "/PayeeAcctName"
    assert caught.value.detail.startswith("PayeeAcctName: ")
    assert f"U+{ord(character):04X}" in caught.value.detail


def test_the_refusal_can_itself_be_shown_as_utf8() -> None:
    for character in RARE + ILLEGAL:
        with pytest.raises(RequestError) as caught:
            gbk.encode(character, "Remark")
        caught.value.detail.encode("utf-8")


def test_the_door_of_the_api_answers_with_the_callers_pointer() -> None:
    gbk.check_encodable("广州市财政局·镕﨎\n", pointer="/payee_acct_name")
    with pytest.raises(RequestError) as caught:
        gbk.check_encodable("王𠮷", pointer="/details/3/payee_acct_name")
    assert caught.value.code is Code.MALFORMED
    assert caught.value.extra["pointer"] == "/details/3/payee_acct_name"
    assert "payee_acct_name" in caught.value.detail
    assert "𠮷" in caught.value.detail


@pytest.mark.parametrize("character", ["𠮷", "\x01"])
def test_in_a_document_the_markup_tells_the_field(character: str) -> None:
    head = f"{gbk.DECLARATION}<Voucher><Id>1</Id>"
    lines = f"<DetailList><Detail><Id>1</Id></Detail><Detail><Remark>a{character}</Remark></Detail>"
    cases = {
        f"{head}<AgencyName>甲{character}</AgencyName>": "/AgencyName",
        f"{head}{lines}</DetailList>": "/DetailList/1/Remark",
        f'{gbk.DECLARATION}<MOF><Signature No="甲{character}">': "/Signature",
    }
    for text, pointer in cases.items():
        with pytest.raises(RequestError) as caught:
            gbk.encode_document(text)
        assert caught.value.extra["pointer"] == pointer


def test_what_we_write_another_reader_reads() -> None:
    """Every character that passes the API is the same to libxml2's own GBK as it is to ours."""
    characters = []
    for point in [*range(0x20, 0xD800), *range(0xE000, 0x30000)]:
        try:
            gbk.encode(chr(point), "x")
        except RequestError:
            continue
        characters.append(chr(point))
    text = "".join(characters)
    assert len(text) > 21_000
    document = gbk.encode_document(f"{gbk.DECLARATION}<a>{gbk.escape(text)}</a>")
    assert etree.fromstring(document).text == text


@given(st.text(st.sampled_from("&<>\"'\t\n\r ]国库a;#1"), max_size=30))
def test_escaping_is_undone_by_parsing(text: str) -> None:
    document = f'<a b="{gbk.escape_attribute(text)}">{gbk.escape(text)}</a>'
    element = etree.fromstring(document)
    assert (element.text or "") == text
    assert element.get("b") == text


def test_gb18030_has_every_character_of_gbk_at_the_same_bytes() -> None:
    """So that messages which declare the one or the other are read alike (decision 0018)."""
    trails = [*range(0x40, 0x7F), *range(0x80, 0xFF)]
    pairs = [bytes((lead, trail)) for lead in range(0x81, 0xFF) for trail in trails]
    for pair in pairs:
        character = pair.decode("gbk", "replace")
        assert "\ufffd" in character or pair.decode("gb18030") == character

"""GBK, deliberately: what cannot be written to a bank is refused, never replaced.

The e-voucher interface (国库集中支付电子化管理接口报文规范) carries GBK. A rare character of a
payee's name outside GBK (𠮷, 㛃) must not become "?": the bank would compare the name and fail the
line, or worse, pay another. So the API asks :func:`check_encodable` of each text, and every message
is encoded by :func:`encode_document`, which names the element that holds the character.

Python's ``gbk`` codec is used on both sides, so that what we write is what we read. It agrees with
libxml2's for every character it can encode (there is a test).
"""

import re
from collections.abc import Sequence

from ledger.errors import Code, RequestError

DECLARATION = '<?xml version="1.0" encoding="GBK"?>'

# XML 1.0, production [2] Char: of the controls below the space only tab, line feed and carriage
# return are allowed, not even as character references. The second byte of a GBK character is never
# below 0x40, so the same set may be looked for in encoded bytes.
_ILLEGAL = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0D})
_ILLEGAL_TEXT = re.compile(f"[{re.escape(_ILLEGAL.decode('ascii'))}]")
# What cannot stand in an element as it is: that, and what goes as a reference.
_NOT_PLAIN = _ILLEGAL + b"&<>\r"
_MARKUP = re.compile('[&<>"\t\n\r]')


def check_encodable(value: str, *, pointer: str) -> None:
    """Let pass only text that an e-voucher can carry.

    Args:
        value: the text of one field.
        pointer: JSON pointer of the field, for the error.

    Raises:
        RequestError: ``malformed``, with the pointer, for a character outside GBK or a control
            character that XML 1.0 forbids.
    """
    encode(value, pointer.rsplit("/", 1)[-1], pointer=pointer)


def encode(text: str, field: str, *, pointer: str | None = None) -> bytes:
    """The text in GBK.

    Raises:
        RequestError: ``malformed``, naming ``field`` and the first character that cannot go.
    """
    try:
        data = text.encode("gbk")
    except UnicodeEncodeError as error:
        raise _refused(text, error.start, field, pointer) from None
    if _has_illegal(data):
        raise _refused(text, _illegal_at(text), field, pointer)
    return data


def encode_all(texts: Sequence[str]) -> list[bytes] | None:
    """Many texts in GBK at once; None when one has to be escaped or cannot be carried."""
    try:
        data = "\0".join(texts).encode("gbk")
    except UnicodeEncodeError:
        return None
    if len(data) - len(data.translate(None, _NOT_PLAIN)) != len(texts) - 1:  # our separators
        return None
    return data.split(b"\0")


def encode_document(text: str) -> bytes:
    """A whole message in GBK. The markup itself tells which element a bad character is in.

    Raises:
        RequestError: ``malformed``; the pointer is like ``/DetailList/2/PayeeAcctName``.
    """
    try:
        data = text.encode("gbk")
    except UnicodeEncodeError as error:
        raise _refused_in_document(text, error.start) from None
    if _has_illegal(data):
        raise _refused_in_document(text, _illegal_at(text))
    return data


def escape(text: str) -> str:
    """Text as element content. A carriage return goes as a reference: parsers fold a bare one."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if "\r" in text:
        text = text.replace("\r", "&#13;")
    return text


def escape_attribute(text: str) -> str:
    """Text as the value of a double-quoted attribute; white space survives normalisation."""
    if text.isalnum():
        return text
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", text)


def _has_illegal(data: bytes) -> bool:
    return len(data.translate(None, _ILLEGAL)) != len(data)


def _illegal_at(text: str) -> int:
    match = _ILLEGAL_TEXT.search(text)
    assert match is not None, "asked only when there is one"
    return match.start()


def _refused(text: str, at: int, field: str, pointer: str | None) -> RequestError:
    character = text[at]
    shown = f'"{character}" (U+{ord(character):04X})' if character.isprintable() else ""
    return RequestError(
        Code.MALFORMED,
        f"{field}: the character {shown or f'U+{ord(character):04X}'} cannot be carried by an "
        "e-voucher, which is XML 1.0 in GBK",
        pointer=f"/{field}" if pointer is None else pointer,
    )


def _refused_in_document(text: str, at: int) -> RequestError:
    opening = text.rfind("<", 0, at)
    field = text[opening + 1 : text.index(">", opening)].split(" ", 1)[0].lstrip("?/")
    detail_count = text.count("<Detail>", 0, at)
    if detail_count and text.find("</DetailList>", 0, at) < 0:
        return _refused(text, at, field, f"/DetailList/{detail_count - 1}/{field}")
    return _refused(text, at, field, None)

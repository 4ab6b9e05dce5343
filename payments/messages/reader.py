"""The one reader of XML that came from outside: bounded, without DTD, entities or network.

Nothing of lxml leaves this module but elements, and no exception but
:class:`~ledger.errors.RequestError` ``malformed``. The bytes are decoded here and handed to the
parser as text. Banks declare GBK, GB2312, GB18030 or UTF-8 and mean by the first three the same
characters, so each of those is read as GB18030, which has those of GBK at the same bytes. Another
encoding is refused, not guessed. What we sent ourselves must be what it declares; in what a bank
answers a character that cannot be read becomes U+FFFD: the bytes are kept as they came, and a field
that the books need does not pass for another by that (decision 0018).
"""

import codecs
import datetime as dt
import re

from lxml import etree

from ledger.errors import Code, RequestError
from ledger.money import parse_yuan

SIZE_MAX = 8 * 1024 * 1024
OPEN_LIST, CLOSE_LIST = b"<DetailList>", b"</DetailList>"

_DECLARATION = re.compile(
    rb"""<\?xml[ \t\r\n]+version=(?:"1\.0"|'1\.0')"""
    rb"""[ \t\r\n]+encoding=(?:"([A-Za-z0-9._-]{1,40})"|'([A-Za-z0-9._-]{1,40})')"""
    rb"""(?:[ \t\r\n]+standalone=(?:"yes"|"no"|'yes'|'no'))?[ \t\r\n]*\?>[ \t\r\n]*"""
)
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
)
# An element that holds plain text: no markup, no reference, no control character in it.
_LEAF = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*+)>([^<>&\x00-\x1f]*+)</\1>")
_LEAF_MARKUP = len("<></>")
_DATE = re.compile(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})", re.ASCII)
# What XML 1.0 has no place for, in what is decoded; a NUL is the end of many a program's text.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
REPLACED = "\ufffd"  # in the place of a character of a bank's text that nobody can read
_CODECS = {
    "GBK": "gb18030",
    "GB2312": "gb18030",
    "GB18030": "gb18030",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
}
EDGES = " \t\r\n"  # white space around what an element says, of which it is no part
_YEAR = re.compile(r"[1-9][0-9]{3}", re.ASCII)


def malformed(detail: str, pointer: str = "") -> RequestError:
    """The error of every reader here."""
    return RequestError(Code.MALFORMED, detail, pointer=pointer)


def read_document(
    data: bytes, root: str, *, declared: bool, answered: bool, size_max: int = SIZE_MAX
) -> etree._Element:
    """The root element of a message.

    Args:
        data: the bytes as received.
        root: the name that the root element must have.
        declared: whether the XML declaration is required. The envelope's is; an inner voucher is
            also seen without one, and is then GBK.
        answered: whether a bank may have written it: then what cannot be decoded is U+FFFD.
        size_max: bytes.

    Raises:
        RequestError: ``malformed``.
    """
    text = _decode(data, root, declared=declared, answered=answered, size_max=size_max)
    return _parsed(text, root)


def _parsed(text: str, root: str) -> etree._Element:
    try:
        element = etree.fromstring(text, _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        raise malformed(f"{root}: not well-formed XML, or nested too deeply") from None
    if element.tag != root:
        raise malformed(f"the root element is not {root}")
    return element


def parted(data: bytes) -> tuple[bytes, bytes] | None:
    """A voucher with its list of details emptied, and what stood in the list.

    The list is nearly all of a long voucher, and who only asks for the main form need not parse it.
    None where it cannot be told without parsing where the list begins and ends: then it is not
    there just once, or CDATA or a comment could hide a tag.
    """
    head, opened, rest = data.partition(OPEN_LIST)
    details, closed, tail = rest.rpartition(CLOSE_LIST)
    if not (opened and closed) or OPEN_LIST in details or CLOSE_LIST in details:
        return None
    if any(mark in part for part in (head, tail) for mark in (b"<!", b"]]>")):
        return None
    return b"".join((head, OPEN_LIST, CLOSE_LIST, tail)), details


def read_main(data: bytes) -> dict[str, str]:
    """Name to text of a voucher's main form, whatever is in its list; raises ``malformed``."""
    text = _decode(data, "Voucher", declared=False, answered=True, size_max=SIZE_MAX)
    return _plain_main(text) or leaves(_parsed(text, "Voucher"), "", besides="DetailList")


def _plain_main(text: str) -> dict[str, str] | None:
    """The main form of a voucher with an empty list behind it, each element plain text and directly
    behind the one before: what every program writes, in a third of the parser's time. None for any
    other, which the parser has to read."""
    inner = text.removeprefix("<Voucher>").removesuffix("<DetailList></DetailList></Voucher>")
    if len(text) - len(inner) != len("<Voucher><DetailList></DetailList></Voucher>"):
        return None
    found = _LEAF.findall(inner)
    if not found:
        return None
    names, texts = zip(*found, strict=True)
    read = 2 * sum(map(len, names)) + sum(map(len, texts)) + _LEAF_MARKUP * len(found)
    row = dict(found)
    return row if read == len(inner) and len(row) == len(found) else None


def leaves(element: etree._Element, pointer: str, *, besides: str = "") -> dict[str, str]:
    """Name to text of an element's children, each there once and without children of its own.

    Args:
        element: the parent.
        pointer: its path, for errors.
        besides: the name of one child that is left out, for it has children.
    """
    found: dict[str, str] = {}
    for child in element:
        tag = child.tag
        if tag == besides:
            continue
        if tag in found:
            raise malformed(f"{tag} is there twice", f"{pointer}/{tag}")
        if len(child):
            raise malformed(f"{tag} holds elements, not text", f"{pointer}/{tag}")
        found[tag] = child.text or ""
    return found


def text_of(row: dict[str, str], tag: str, pointer: str) -> str:
    """A field's text, not empty."""
    text = row.get(tag)
    if not text:
        raise malformed(f"{tag} is {'missing' if text is None else 'empty'}", f"{pointer}/{tag}")
    return text


def trimmed_of(row: dict[str, str], tag: str, pointer: str) -> str:
    """A field's text without the white space around it."""
    return text_of(row, tag, pointer).strip(EDGES)


def amount_of(row: dict[str, str], tag: str, pointer: str) -> int:
    """A field's amount in fen, zero included, from yuan text with two decimals."""
    try:
        return parse_yuan(trimmed_of(row, tag, pointer), zero=True)
    except RequestError as error:
        raise malformed(f"{tag}: {error.detail}", f"{pointer}/{tag}") from None


def signed_amount_of(row: dict[str, str], tag: str, pointer: str) -> int:
    """Likewise, of an amount that may be negative."""
    text = trimmed_of(row, tag, pointer)
    try:
        return parse_yuan(text, signed=True, zero=True)
    except RequestError as error:
        raise malformed(f"{tag}: {error.detail}", f"{pointer}/{tag}") from None


def date_of(row: dict[str, str], tag: str, pointer: str) -> dt.date:
    """A field's date, from ``YYYYMMDD`` or ``YYYY-MM-DD``."""
    if match := _DATE.fullmatch(trimmed_of(row, tag, pointer)):
        try:
            return dt.date(int(match[1]), int(match[3]), int(match[4]))
        except ValueError:
            pass
    raise malformed(f"{tag} is not a date YYYYMMDD", f"{pointer}/{tag}")


def year_of(row: dict[str, str], tag: str, pointer: str) -> int:
    """A field's year, from four digits."""
    text = trimmed_of(row, tag, pointer)
    if not _YEAR.fullmatch(text):
        raise malformed(f"{tag} is not a year of four digits", f"{pointer}/{tag}")
    return int(text)


def _decode(data: bytes, root: str, *, declared: bool, answered: bool, size_max: int) -> str:
    if len(data) > size_max:
        raise malformed(f"{root}: the message is larger than {size_max} bytes")
    encoding, data = _declared(data, root, declared=declared)
    if not answered and encoding != "GBK":
        raise malformed(f"{root}: the declared encoding is {encoding}, not GBK")
    # A comment would cut an element's text in two, and a reader would see the first half only;
    # a DTD is the way in of every entity bomb. None of them belongs in a message. No byte of a
    # character of several bytes is "<", so the bytes may be searched.
    if b"<!" in data and data.count(b"<!") != data.count(b"<![CDATA["):
        raise malformed(f"{root}: a DTD, an entity declaration or a comment is not accepted")
    if b"<?" in data:
        raise malformed(f"{root}: a processing instruction is not accepted")
    try:
        if data.isascii():  # base64 in a tenth of the time
            text = data.decode("ascii")
        elif answered:
            text = data.decode(_CODECS[encoding], "replace")
        else:
            text = data.decode("gbk")
    except UnicodeDecodeError:
        raise malformed(f"{root}: the message is not valid GBK") from None
    return _NOT_XML.sub(REPLACED, text) if answered else text


def _declared(data: bytes, root: str, *, declared: bool) -> tuple[str, bytes]:
    """The encoding by its name in capitals, and the bytes behind mark and declaration."""
    marked = data.startswith(codecs.BOM_UTF8)
    data = data.removeprefix(codecs.BOM_UTF8)
    declaration = _DECLARATION.match(data)
    if declaration is None and (declared or data.startswith(b"<?")):
        raise malformed(
            f'{root}: the message does not begin with <?xml version="1.0" encoding="GBK"?>'
        )
    encoding = "UTF-8" if marked else "GBK"
    if declaration is None:
        return encoding, data
    named = (declaration[1] or declaration[2]).decode("ascii")
    if named.upper() not in _CODECS:
        known = "GBK, GB2312, GB18030 or UTF-8"
        raise malformed(f"{root}: the declared encoding is {named}, not {known}")
    return encoding if marked else named.upper(), data[declaration.end() :]

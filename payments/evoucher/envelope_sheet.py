"""A message as it is written here, read by patterns: nothing between its elements, no references.

Any other is for the parser. What a pattern lets through, the parser would read alike (there is a
test).
"""

import re
from binascii import Error, a2b_base64
from collections.abc import Callable
from typing import TypeVar

from payments.evoucher import gbk
from payments.evoucher.manifest_list import SignedManifest

T = TypeVar("T")

_TEXT = rb"[^<>&\x00-\x1f]*+"
_NAME = rb'"([^"<>&\x00-\x1f]++)"'
_BASE64 = rb"[A-Za-z0-9+/]*+={0,2}+"
_INDEX = rb'"(0|[1-9][0-9]{0,5}+)"'
_DECLARATION = re.escape(gbk.DECLARATION.encode("ascii"))

_MESSAGE = re.compile(
    _DECLARATION + rb"<MOF><VoucherCount>([1-9][0-9]{0,5}+)</VoucherCount>"
    rb"(?:<ManifestList>(.*?)</ManifestList>)?+(?=<VoucherBody )"
)
_MANIFEST = re.compile(
    rb"<Manifest><Text>(%b)</Text><SignatureValue>(%b)</SignatureValue>"
    rb"<Leaves>(%b)</Leaves></Manifest>" % (_BASE64, _BASE64, _BASE64)
)
_BODY = re.compile(
    rb'<VoucherBody AdmDivCode="([0-9]{6})" StYear="([1-9][0-9]{3})" VtCode="([0-9]{4})"'
    rb" VoucherNo=%b><VoucherFlag>([01])</VoucherFlag><Return_Reason>(%b)</Return_Reason>"
    rb"<Attach></Attach><Voucher>([^<]*+)</Voucher><SignStampList/>"
    rb"<SignatureList>((?:<Signature [^<>]*+>%b</Signature>)*+)</SignatureList></VoucherBody>"
    % (_NAME, _TEXT, _BASE64)
)
_SIGNATURE = re.compile(
    rb"<Signature No=%b SN=%b(?: Manifest=%b Leaf=%b)?+>(%b)</Signature>"
    % (_NAME, _NAME, _INDEX, _INDEX, _BASE64)
)
_INNER = re.compile(
    rb"(?:%b)?+<Voucher><Id>%b</Id><AdmDivCode>([0-9]{6})</AdmDivCode>"
    rb"<StYear>([0-9]{4})</StYear><VtCode>([0-9]{4})</VtCode><VouDate>[0-9]{8}</VouDate>"
    rb"<VoucherNo>([^<>&\x00-\x1f]++)</VoucherNo>" % (_DECLARATION, _TEXT)
)

Groups = tuple[bytes, ...]


def read_message(data: bytes) -> tuple[list[SignedManifest], list[Groups]] | None:
    """The manifests, and of each voucher the groups of ``_BODY``; None for another form."""
    message = _MESSAGE.match(data)
    if message is None or not data.endswith(b"</MOF>"):
        return None
    manifests = _all(_MANIFEST, message[2] or b"", 0, len(message[2] or b""), _manifest)
    bodies = _all(_BODY, data, message.end(), len(data) - len(b"</MOF>"), tuple)
    if manifests is None or bodies is None or len(bodies) != int(message[1]):
        return None
    return manifests, bodies


def read_signatures(data: bytes) -> list[Groups] | None:
    """The groups of ``_SIGNATURE``: No, SN, Manifest and Leaf ("" where not there), content."""
    return _all(_SIGNATURE, data, 0, len(data), tuple)


def names_of(voucher: bytes) -> Groups | None:
    """AdmDivCode, StYear, VtCode and VoucherNo of a document that begins as ours do.

    What follows them is not looked at: it is for the document's own reader, to whom an element that
    is there twice is malformed.
    """
    found = _INNER.match(voucher)
    return found.groups() if found else None


def read_plain_base64(text: bytes) -> bytes | None:
    """Bytes, or None where they are not strictly encoded."""
    try:
        return a2b_base64(text, strict_mode=True)
    except Error:
        return None


def _manifest(groups: Groups) -> SignedManifest | None:
    text, value, leaves = map(read_plain_base64, groups)
    if not text or not value or leaves is None:
        return None
    try:
        return SignedManifest(text.decode(), value, leaves)
    except UnicodeDecodeError:
        return None


def _all(
    pattern: re.Pattern[bytes],
    data: bytes,
    at: int,
    end: int,
    made: Callable[[Groups], T | None],
) -> list[T] | None:
    """What is made of every match, if they follow one another from ``at`` to ``end``."""
    found: list[T] = []
    while at < end:
        match = pattern.match(data, at, end)
        if match is None or (item := made(match.groups(b""))) is None:
            return None
        found.append(item)
        at = match.end()
    return found

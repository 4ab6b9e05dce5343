"""A message as it is written here, read by patterns: nothing between its elements, no references.

Any other is for the parser. What a pattern lets through, the parser would read alike (there is a
test).
"""

import re
from binascii import Error
from typing import NamedTuple

from pybase64 import b64decode

from payments.messages import gbk
from payments.messages.manifest_list import SignedManifest

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
    rb"<Attach></Attach><Voucher>" % (_NAME, _TEXT)
)
_BEFORE_SIGNATURES = b"</Voucher><SignStampList/><SignatureList>"
_SIGNATURE = re.compile(
    rb"<Signature No=%b SN=%b(?: Manifest=%b Leaf=%b)?+>" % (_NAME, _NAME, _INDEX, _INDEX)
)
_AFTER_SIGNATURE, _AFTER_BODY = b"</Signature>", b"</SignatureList></VoucherBody>"
_INNER = re.compile(
    rb"(?:%b)?+<Voucher><Id>%b</Id><AdmDivCode>([0-9]{6})</AdmDivCode>"
    rb"<StYear>([1-9][0-9]{3})</StYear><VtCode>([0-9]{4})</VtCode><VouDate>[0-9]{8}</VouDate>"
    rb"<VoucherNo>([^<>&\x00-\x1f]++)</VoucherNo>" % (_DECLARATION, _TEXT)
)

Groups = tuple[bytes, ...]


class SignatureRow(NamedTuple):
    """A signature element: ``place`` and ``leaf`` are "" where it stands in no manifest."""

    no: bytes
    sn: bytes
    place: bytes
    leaf: bytes
    value: bytes


class BodyRow(NamedTuple):
    """A voucher's element: ``names`` are AdmDivCode, StYear, VtCode and VoucherNo."""

    names: Groups
    flag: bytes
    reason: bytes
    voucher: bytes
    signatures: list[SignatureRow]


def read_message(data: bytes) -> tuple[list[SignedManifest], list[BodyRow]] | None:
    """The manifests and the vouchers of a message; None for another form."""
    message = _MESSAGE.match(data)
    if message is None or not data.endswith(b"</MOF>"):
        return None
    manifests = _read_manifests(message[2] or b"")
    at, end = message.end(), len(data) - len(b"</MOF>")
    rows: list[BodyRow] = []
    while at < end:
        if (read := _read_body(data, at)) is None:
            return None
        row, at = read
        rows.append(row)
    if manifests is None or at != end or len(rows) != int(message[1]):
        return None
    return manifests, rows


def _read_body(data: bytes, at: int) -> tuple[BodyRow, int] | None:
    """The voucher that begins here, and where it ends.

    Contents, most of a message, are taken up to the next tag: what they are the decoder says.
    """
    body = _BODY.match(data, at)
    if body is None:
        return None
    content, at = body.end(), data.find(b"<", body.end())
    voucher = read_plain_base64(data[content:at])
    if not voucher or not data.startswith(_BEFORE_SIGNATURES, at):
        return None
    at += len(_BEFORE_SIGNATURES)
    signatures: list[SignatureRow] = []
    while signature := _SIGNATURE.match(data, at):
        content, at = signature.end(), data.find(b"<", signature.end())
        value = read_plain_base64(data[content:at])
        if value is None or not data.startswith(_AFTER_SIGNATURE, at):
            return None
        at += len(_AFTER_SIGNATURE)
        no, sn, place, leaf = signature.groups(b"")
        signatures.append(SignatureRow(no, sn, place, leaf, value))
    if not data.startswith(_AFTER_BODY, at):
        return None
    *names, flag, reason = body.groups()
    return BodyRow(tuple(names), flag, reason, voucher, signatures), at + len(_AFTER_BODY)


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
        return b64decode(text, validate=True)
    except Error:
        return None


def _read_manifests(data: bytes) -> list[SignedManifest] | None:
    found, at = [], 0
    while at < len(data):
        match = _MANIFEST.match(data, at)
        if match is None or (manifest := _manifest(match.groups())) is None:
            return None
        found.append(manifest)
        at = match.end()
    return found


def _manifest(groups: Groups) -> SignedManifest | None:
    text, value, leaves = map(read_plain_base64, groups)
    if not text or not value or leaves is None:
        return None
    try:
        return SignedManifest(text.decode(), value, leaves)
    except UnicodeDecodeError:
        return None

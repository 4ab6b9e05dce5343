"""The MOF envelope 凭证报文: vouchers and their signatures, as they travel.

The voucher travels as base64 of its exact bytes, and the signatures are over those bytes. So they
are never parsed and written again on the way: what came in is what is kept, verified and shown.
Fields: the interface standard 国库集中支付电子化管理接口报文规范.
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from lxml import etree
from pybase64 import b64encode

from ledger.errors import RequestError
from payments.messages import fixed_envelope, gbk, manifest_list
from payments.messages.base64_text import read_base64
from payments.messages.fixed_envelope import SignatureRow
from payments.messages.manifest_list import SignedManifest
from payments.messages.reader import (
    EDGES,
    SIZE_MAX,
    leaves,
    malformed,
    parted,
    read_document,
    read_main,
    text_of,
)

VoucherFlag = Literal[0, 1]
SEND: VoucherFlag = 0  # 发送单
RECEIPT: VoucherFlag = 1  # 回单

_HEADER = {"AdmDivCode": "[0-9]{6}", "StYear": "[1-9][0-9]{3}", "VtCode": "[0-9]{4}"}
_HEADER_SHAPES = {name: re.compile(shape, re.ASCII) for name, shape in _HEADER.items()}
_CHILDREN = (
    "VoucherFlag Return_Reason Attach Voucher SignStampList SignatureList".split()  # noqa: SIM905
)


class VoucherSignature(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A signature without a seal.

    Attributes:
        no: the role that signed.
        sn: the certificate's serial number.
        value: the signature of this voucher, DER; empty where it has one together with others.
        manifest: that other signature, over a manifest whose leaf this voucher is.
        leaf: its place among the leaves, from 0.
        path: the hashes from there to the root, one after the other; none where the manifest has
            its leaves with it.
    """

    no: str
    sn: str
    value: bytes = b""
    manifest: SignedManifest | None = None
    leaf: int = 0
    path: bytes = b""


class VoucherBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One voucher on its way.

    Attributes:
        voucher_flag: 0 sent, 1 receipt.
        return_reason: why the receiver sends it back, or "".
        voucher: the exact bytes of the inner document, which are what is signed.
    """

    adm_div_code: str
    st_year: int
    vt_code: str
    voucher_no: str
    voucher_flag: VoucherFlag
    voucher: bytes
    return_reason: str = ""
    signatures: tuple[VoucherSignature, ...] = ()


def signed_bytes(body: VoucherBody) -> bytes:
    """What each signature is over: the inner document, byte for byte, and nothing else."""
    return body.voucher


def add_signature(
    body: VoucherBody, *, no: str, sn: str, sign: Callable[[bytes], bytes]
) -> VoucherBody:
    """The body with one more signature, made by ``sign`` (bytes to DER) in the role ``no``."""
    signature = VoucherSignature(no=no, sn=sn, value=sign(signed_bytes(body)))
    return msgspec.structs.replace(body, signatures=(*body.signatures, signature))


def build_envelope(bodies: Sequence[VoucherBody]) -> bytes:
    """The message, GBK; byte-deterministic.

    Raises:
        RequestError: ``malformed``: no voucher, a header that contradicts its voucher, text outside
            GBK, a message of more than 8 MiB.
    """
    if not bodies:
        raise malformed("an envelope holds at least one voucher", "/VoucherCount")
    writer = _Writer()
    written = [part for body in bodies for part in writer.body(body)]
    manifests = manifest_list.write_manifests(list(writer.manifests))
    head = f"{gbk.DECLARATION}<MOF><VoucherCount>{len(bodies)}</VoucherCount>{manifests}"
    data = b"".join((head.encode("ascii"), *written, b"</MOF>"))
    if len(data) > SIZE_MAX:
        raise malformed(f"MOF: the message is larger than {SIZE_MAX} bytes")
    return data


def parse_envelope(data: bytes, *, size_max: int = SIZE_MAX) -> list[VoucherBody]:
    """The vouchers of a message, their inner bytes exactly as received.

    No signature is verified here: the caller has the certificates.

    Args:
        data: the message as received.
        size_max: bytes.

    Raises:
        RequestError: ``malformed``, and nothing else, whatever the bytes are.
    """
    return _read_own(data, size_max) or _read_any(data, size_max)


def _read_own(data: bytes, size_max: int) -> list[VoucherBody] | None:
    """A message that stands as :func:`build_envelope` writes it; None for any other, about which
    the other way of reading says what is wrong."""
    message = fixed_envelope.read_message(data) if len(data) <= size_max else None
    if message is None:
        return None
    manifests, rows = message
    bodies = []
    for row in rows:
        signatures = _own_signatures(row.signatures, manifests)
        if signatures is None:
            return None
        try:
            division, year, vt_code, number = (name.decode("gbk") for name in row.names)
            body = VoucherBody(
                adm_div_code=division,
                st_year=int(year),
                vt_code=vt_code,
                voucher_no=number,
                voucher_flag=RECEIPT if row.flag == b"1" else SEND,
                return_reason=row.reason.decode("gbk"),
                voucher=row.voucher,
                signatures=signatures,
            )
            if fixed_envelope.names_of(row.voucher) != row.names:
                _check_same_voucher(_header(body), row.voucher, arrived=True)
        except (UnicodeDecodeError, RequestError):
            return None
        bodies.append(body)
    return bodies


def _own_signatures(
    rows: Sequence[SignatureRow], manifests: Sequence[SignedManifest]
) -> tuple[VoucherSignature, ...] | None:
    signatures = []
    for no, sn, place, leaf, value in rows:
        if int(place) >= len(manifests) if place else not value:
            return None
        try:
            role, serial = no.decode("gbk"), sn.decode("gbk")
        except UnicodeDecodeError:
            return None
        if place:
            signature = VoucherSignature(
                no=role, sn=serial, manifest=manifests[int(place)], leaf=int(leaf), path=value
            )
        else:
            signature = VoucherSignature(no=role, sn=serial, value=value)
        signatures.append(signature)
    return tuple(signatures)


def _read_any(data: bytes, size_max: int) -> list[VoucherBody]:
    root = read_document(data, "MOF", declared=True, answered=True, size_max=size_max)
    bodies = root.findall("VoucherBody")
    lists = root.findall(manifest_list.TAG)
    before = 1 + len(lists)
    tags = [root[index].tag for index in range(min(before, len(root)))]
    if len(root) != before + len(bodies) or tags != ["VoucherCount", manifest_list.TAG][:before]:
        raise malformed("MOF holds VoucherCount, then VoucherBody elements, and nothing else")
    if root[0].text != str(len(bodies)) or not bodies:
        raise malformed("VoucherCount is not the number of vouchers, at least one", "/VoucherCount")
    manifests = manifest_list.read_manifests(lists[0]) if lists else []
    return [_read_body(element, manifests, f"/VoucherBody/{i}") for i, element in enumerate(bodies)]


class _Writer:
    """Writes the vouchers of one message, and remembers the manifests that they name."""

    def __init__(self) -> None:
        self.manifests: dict[SignedManifest, int] = {}
        self._signers: dict[tuple[str, str], bytes] = {}  # role and serial, as they are written

    def body(self, body: VoucherBody) -> tuple[bytes, bytes, bytes]:
        """The element, in three parts: the document between them is most of it."""
        header = _header(body)
        names = tuple([_attribute(text, "VoucherBody") for text in header.values()])
        if fixed_envelope.names_of(body.voucher) != names:
            _check_header(header)
            _check_same_voucher(header, body.voucher)
        text = body.return_reason
        reason = gbk.encode(gbk.escape(text), "Return_Reason") if text else b""
        before = _BEFORE_VOUCHER % (*names, body.voucher_flag, reason)
        signatures = b"".join([self._signature(item) for item in body.signatures])
        return before, b64encode(body.voucher), _AFTER_VOUCHER % signatures

    def _signature(self, signature: VoucherSignature) -> bytes:
        value, manifest = signature.value, signature.manifest
        if not (signature.no and signature.sn) or bool(value) == bool(manifest):
            raise malformed("a signature lacks its role, its serial number or its value")
        signer = (signature.no, signature.sn)
        if (written := self._signers.get(signer)) is None:
            written = b'No="%b" SN="%b"' % tuple(_attribute(text, "Signature") for text in signer)
            self._signers[signer] = written
        if manifest is None:
            return b"<Signature %b>%b</Signature>" % (written, b64encode(value))
        place = self.manifests.setdefault(manifest, len(self.manifests))
        return b'<Signature %b Manifest="%d" Leaf="%d">%b</Signature>' % (
            written,
            place,
            signature.leaf,
            b64encode(signature.path),
        )


_BEFORE_VOUCHER = (
    b'<VoucherBody AdmDivCode="%b" StYear="%b" VtCode="%b" VoucherNo="%b">'
    b"<VoucherFlag>%d</VoucherFlag><Return_Reason>%b</Return_Reason><Attach></Attach><Voucher>"
)
_AFTER_VOUCHER = b"</Voucher><SignStampList/><SignatureList>%b</SignatureList></VoucherBody>"


def _attribute(text: str, element: str) -> bytes:
    if text.isascii() and text.isalnum():
        return text.encode("ascii")
    return gbk.encode(gbk.escape_attribute(text), element)


def _read_body(
    element: etree._Element, manifests: Sequence[SignedManifest], pointer: str
) -> VoucherBody:
    header = {name: element.get(name, "") for name in (*_HEADER, "VoucherNo")}
    _check_header(header, pointer)
    children = {child.tag: child for child in element}
    if len(children) != len(element) or not children.keys() <= set(_CHILDREN):
        raise malformed("VoucherBody holds an element twice or an unknown one", pointer)
    # A seal or an attachment that we do not keep would be evidence thrown away in silence.
    if len(children.get("SignStampList", ())):
        raise malformed("seals (SignStamp) are not taken yet", f"{pointer}/SignStampList")
    signatures = children.get("SignatureList", ())
    row = leaves(element, pointer, besides="SignatureList")
    if row.get("Attach"):
        raise malformed("attachments are not taken", f"{pointer}/Attach")
    voucher = read_base64(text_of(row, "Voucher", pointer), f"{pointer}/Voucher")
    _check_same_voucher(header, voucher, pointer, arrived=True)
    return VoucherBody(
        adm_div_code=header["AdmDivCode"],
        st_year=int(header["StYear"]),
        vt_code=header["VtCode"],
        voucher_no=header["VoucherNo"],
        voucher_flag=_flag(row, pointer),
        return_reason=row.get("Return_Reason", ""),
        voucher=voucher,
        signatures=tuple(
            _read_signature(child, manifests, f"{pointer}/SignatureList/{i}")
            for i, child in enumerate(signatures)
        ),
    )


def _read_signature(
    element: etree._Element, manifests: Sequence[SignedManifest], pointer: str
) -> VoucherSignature:
    no, sn = element.get("No"), element.get("SN")
    if element.tag != "Signature" or len(element) or not (no and sn):
        raise malformed("not a Signature with No, SN and a value", pointer)
    if element.get("Manifest") is None:
        if not element.text:
            raise malformed("not a Signature with No, SN and a value", pointer)
        return VoucherSignature(no=no, sn=sn, value=read_base64(element.text, pointer))
    place = manifest_list.read_index(element, "Manifest", pointer)
    if place >= len(manifests):
        raise malformed(f"there is no manifest {place} in ManifestList", f"{pointer}/Manifest")
    return VoucherSignature(
        no=no,
        sn=sn,
        manifest=manifests[place],
        leaf=manifest_list.read_index(element, "Leaf", pointer),
        path=read_base64(element.text or "", pointer),
    )


def _header(body: VoucherBody) -> dict[str, str]:
    return {
        "AdmDivCode": body.adm_div_code,
        "StYear": str(body.st_year),
        "VtCode": body.vt_code,
        "VoucherNo": body.voucher_no,
    }


def _check_header(header: dict[str, str], pointer: str = "/VoucherBody") -> None:
    for name, shape in _HEADER_SHAPES.items():
        if not shape.fullmatch(header[name]):
            raise malformed(f"{name} of the header is missing or misshapen", f"{pointer}/{name}")
    if not header["VoucherNo"]:
        raise malformed("VoucherNo of the header is missing", f"{pointer}/VoucherNo")


def _check_same_voucher(
    header: dict[str, str],
    voucher: bytes,
    pointer: str = "/VoucherBody",
    *,
    arrived: bool = False,
) -> None:
    """Header and body must name the same voucher.

    In Ningxia they once did not (报文头与报文体凭证编号不一致导致签收异常), and receivers took the
    header's number. But the header is not signed and the body is: neither wins, the message is
    refused.

    Args:
        arrived: whether somebody else has written it. Then what cannot be read is left to whoever
            judges it: its signature may be good, and it is not refused for its form (0018).
    """
    if (names := fixed_envelope.names_of(voucher)) is not None:
        try:
            if tuple(name.decode("gbk") for name in names) == tuple(header.values()):
                return
        except UnicodeDecodeError:
            pass  # said below
    try:
        parts = parted(voucher)
        inside = read_main(parts[0] if parts else voucher)
        if "VoucherNo" not in inside:
            raise malformed("the voucher has no VoucherNo", f"{pointer}/VoucherNo")
    except RequestError:
        if arrived:
            return
        raise
    for name, text in header.items():
        found = inside.get(name, text)  # some types leave year and division to the header
        if text not in (found, found.strip(EDGES)):
            raise malformed(
                f'{name} is "{text}" in the header and "{found}" in the voucher',
                f"{pointer}/{name}",
            )


def _flag(row: dict[str, str], pointer: str) -> VoucherFlag:
    match text_of(row, "VoucherFlag", pointer):
        case "0":
            return SEND
        case "1":
            return RECEIPT
    raise malformed("VoucherFlag is neither 0 nor 1", f"{pointer}/VoucherFlag")

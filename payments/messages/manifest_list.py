"""Manifests 批量签名清单 in an envelope: written once, named by the signatures that they stand for.

An addition to the standard's envelope, for channels that have agreed on it. It stands between
``VoucherCount`` and the vouchers; a message without manifests has none of it.
"""

import re
from collections.abc import Sequence

import msgspec
from lxml import etree

from payments.messages.base64_text import read_base64, write_base64
from payments.messages.reader import leaves, malformed, text_of

TAG = "ManifestList"
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)


class SignedManifest(msgspec.Struct, frozen=True):
    """One signature over many documents (``payments.manifest``).

    Attributes:
        text: what is signed.
        value: the signature, DER.
        leaves: the documents' hashes, 32 bytes each, one after the other; or none, where every
            document brings its path.
    """

    text: str
    value: bytes
    leaves: bytes = b""


def write_manifests(manifests: Sequence[SignedManifest]) -> str:
    """The list as XML, "" for none."""
    if not manifests:
        return ""
    written = "".join(
        f"<Manifest><Text>{write_base64(manifest.text.encode())}</Text>"
        f"<SignatureValue>{write_base64(manifest.value)}</SignatureValue>"
        f"<Leaves>{write_base64(manifest.leaves)}</Leaves></Manifest>"
        for manifest in manifests
    )
    return f"<{TAG}>{written}</{TAG}>"


def read_manifests(element: etree._Element) -> list[SignedManifest]:
    """The reverse; whether a text is that of a manifest is not asked here.

    Raises:
        RequestError: ``malformed``.
    """
    return [_read(child, f"/{TAG}/{index}") for index, child in enumerate(element)]


def _read(element: etree._Element, pointer: str) -> SignedManifest:
    row = leaves(element, pointer)
    if element.tag != "Manifest" or not row.keys() <= {"Text", "SignatureValue", "Leaves"}:
        raise malformed("not a Manifest with Text, SignatureValue and Leaves", pointer)
    try:
        text = read_base64(text_of(row, "Text", pointer), f"{pointer}/Text").decode()
    except UnicodeDecodeError:
        raise malformed("Text is not UTF-8", f"{pointer}/Text") from None
    return SignedManifest(
        text=text,
        value=read_base64(text_of(row, "SignatureValue", pointer), f"{pointer}/SignatureValue"),
        leaves=read_base64(row.get("Leaves", ""), f"{pointer}/Leaves"),
    )


def read_index(element: etree._Element, name: str, pointer: str) -> int:
    """An attribute that is a number counted from 0."""
    text = element.get(name, "")
    if not _INDEX.fullmatch(text):
        raise malformed(f"{name} is missing or no number", f"{pointer}/{name}")
    return int(text)

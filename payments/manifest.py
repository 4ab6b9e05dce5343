"""批量签名清单: one signature over many vouchers, or over many receipts. Pure.

The documents are the leaves of a Merkle tree (``ledger.integrity.merkle``); what is signed is a
short text that holds its root. A document then verifies alone: with its place among the leaves, the
path from there to the root, and the signature of the text. The text is described in
docs/history-format.md.

A leaf is over the document's SM3, by which it is stored and named, so its bytes are hashed once for
both. In the first version a leaf was over the bytes themselves; the text says which it is, and what
was signed so verifies so for ever.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar

import msgspec

from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.gm import sm3
from ledger.integrity.merkle import HASH_BYTES, leaf_hash
from payments.manifest_events import ManifestSigned

RECEIPT_ROLE = "receipt"
LEAVES_MAX = 100_000
NUMBER_DIGITS = 32
NUMBERS_KEPT_MAX = 64  # a thousand receipts of one message ask for the same one

# the first line of a text, and which version it makes the manifest
_HEADINGS = {1: "guoku/manifest", 2: "guoku/manifest/2"}
_VERSIONS = {heading: version for version, heading in _HEADINGS.items()}
_TEXT = re.compile(
    r"(guoku/manifest(?:/2)?)\n([^\n]{1,120})\n([a-z_]{1,40})\n([1-9][0-9]{0,5})\n"
    r"([A-Za-z0-9+/]{43}=)\n"
)


class ManifestText(msgspec.Struct, frozen=True):
    """What is signed.

    Attributes:
        owner: the ledger (``440000000-2026``) of vouchers, the bank's subject for receipts.
        role: that the vouchers are signed in, or ``receipt``.
        leaf_count: how many documents.
        root: of the tree over their leaves.
        version: 2, or 1 for what was signed before there was another.
    """

    owner: str
    role: str
    leaf_count: int
    root: bytes
    version: int = 2

    def written(self) -> str:
        """The text; UTF-8 of it is signed."""
        root = base64.b64encode(self.root).decode("ascii")
        lines = (_HEADINGS[self.version], self.owner, self.role, str(self.leaf_count), root, "")
        return "\n".join(lines)

    def leaf(self, document: bytes, digest: bytes) -> bytes:
        """The hash that a document has among the leaves.

        Args:
            digest: the document's SM3, which the caller has made.
        """
        return leaf_hash(document) if self.version == 1 else leaf_of(digest)


def leaf_of(digest: bytes) -> bytes:
    """The leaf, in a manifest that is signed today, of the document with this SM3."""
    return leaf_hash(digest)


def read_text(text: str) -> ManifestText:
    """The reverse; raises the refusal ``signature_invalid`` for any other text."""
    match = _TEXT.fullmatch(text)
    try:
        root = binascii.a2b_base64(match[5], strict_mode=True) if match else b""
    except binascii.Error:
        root = b""
    if match is None or len(root) != HASH_BYTES or int(match[4]) > LEAVES_MAX:
        raise _invalid("the text of its manifest is not one")
    read = ManifestText(match[2], match[3], int(match[4]), root, _VERSIONS[match[1]])
    if read.written() != text:  # base64 has spare bits: one manifest has one text
        raise _invalid("the text of its manifest is not one")
    return read


@lru_cache(NUMBERS_KEPT_MAX)
def manifest_number(text: str, cert_serial: str) -> str:
    """A manifest's number: the same documents, role and signer give the same one."""
    return sm3(f"{text}{cert_serial}".encode()).hex()[:NUMBER_DIGITS]


def split_leaves(stored: bytes) -> list[bytes]:
    """The hashes, from the document that an event names ``leaves_sm3``."""
    return [stored[at : at + HASH_BYTES] for at in range(0, len(stored), HASH_BYTES)]


class Manifest(msgspec.Struct, frozen=True, gc=False):
    """A manifest in the books: its event, and what its text says."""

    signed: ManifestSigned
    text: ManifestText


def _fold(manifest: Manifest | None, event: Event) -> Manifest | None:
    if isinstance(event, ManifestSigned):
        return Manifest(event, read_text(event.text))
    return manifest


MANIFEST: Kind[Manifest] = Kind(
    name="manifest",
    opened_by="manifest.sign",
    fold=_fold,
)


class SignManifest(Command, frozen=True, kw_only=True):
    """A manifest for the books, before the commands that name it.

    Its signature was verified where it was made or came in. ``document`` holds the leaves, in the
    form in which documents are stored.
    """

    OPERATION: ClassVar[str] = "manifest.sign"
    KEEPS_REFUSAL: ClassVar[bool] = False
    KIND: ClassVar[AnyKind] = MANIFEST
    role: str
    cert_serial: str
    text: str
    signature: str
    leaves_sm3: str
    custody: str = "server"
    document: bytes

    @property
    def number(self) -> str:
        return manifest_number(self.text, self.cert_serial)

    @property
    def body(self) -> object:
        """Without the signature, which is another one each time it is made."""
        return self.text, self.cert_serial

    @classmethod
    def number_in(cls, event: ManifestSigned) -> str:
        return event.manifest_no

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**fields_in(cls, told.event, document=b"")),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        text = read_text(self.text)
        if text.role != self.role:
            raise _invalid(f"its manifest is signed as {text.role}, not as {self.role}")
        if text.role != RECEIPT_ROLE and text.owner != ledger_text(state.ledger_id):
            raise _invalid(f"its manifest is of {text.owner}")
        # point of no return
        signed = ManifestSigned(
            manifest_no=self.number,
            role=self.role,
            cert_serial=self.cert_serial,
            text=self.text,
            signature=self.signature,
            leaves_sm3=self.leaves_sm3,
            custody=self.custody,
            by=by,
        )
        return Decision(
            events=[(MANIFEST, signed.manifest_no, signed)],
            effective_on=state.today,
            # the next role signs the same vouchers, so its leaves are the same document
            shared_documents=[(bytes.fromhex(self.leaves_sm3), self.document)],
        )


def check_covered(
    state: LedgerState, manifest_no: str, leaf: int, *, role: str, cert_serial: str, by: str = ""
) -> None:
    """Refuses with ``signature_invalid`` unless the books have this manifest for this signature.

    Args:
        by: the person who must have put it there; "" for anybody.
    """
    manifest = state.get(MANIFEST, manifest_no)
    if manifest is None:
        raise _invalid(f"there is no manifest {manifest_no[:NUMBER_DIGITS]!r}")
    signed = manifest.signed
    if (signed.role, signed.cert_serial) != (role, cert_serial) or by not in ("", signed.by):
        raise _invalid(f"manifest {manifest_no} is another signature than this one")
    if not 0 <= leaf < manifest.text.leaf_count:
        raise _invalid(f"manifest {manifest_no} has no leaf {leaf}")


def _invalid(detail: str) -> Refusal:
    return Refusal(Code.SIGNATURE_INVALID, detail)

"""批量签名清单: a signature over many documents, as an event."""

from typing import ClassVar

from ledger.events import Event, Traits, register


class ManifestSigned(Event, frozen=True, kw_only=True):
    """批量签名清单: one signature over many vouchers of one role, or many receipts of one bank.

    ``signature`` (DER in base64) is over ``text``, which holds the root over the documents' hashes.
    The hashes stand one after the other, 32 bytes each, in the document ``leaves_sm3`` (hex); see
    docs/history-format.md. ``custody`` is who holds the key: ``own``, who signed, or ``server``.
    """

    TYPE: ClassVar[str] = "manifest.signed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="manifest", asked_by="manifest.sign", step="voucher", title="批量签名清单"
    )
    manifest_no: str
    role: str
    cert_serial: str
    text: str
    signature: str
    leaves_sm3: str
    custody: str = "server"
    by: str


register(ManifestSigned)

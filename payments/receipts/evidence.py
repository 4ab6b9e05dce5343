"""What a command keeps of what a bank has signed."""

from typing import TypedDict


class ReceiptEvidence(TypedDict):
    """A document's bytes and signature; the signature is "" for one by manifest."""

    receipt_sm3: str
    cert_serial: str
    signature: str
    document: bytes

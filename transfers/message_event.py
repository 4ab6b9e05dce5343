"""异地消息: what another installation has said of transfers, as it has signed it."""

from typing import ClassVar

from ledger.events import Event, Traits, register


class TransferMessageTaken(Event, frozen=True, kw_only=True):
    """转移支付消息: what whoever keeps ``from_ledger`` has said, and signed, word for word.

    What follows from it is booked by events of its own, which name the places that it tells of.

    Attributes:
        message_sm3: of the text, in hex.
        signature: SM2 over the text in UTF-8, base64 of DER.
    """

    TYPE: ClassVar[str] = "transfer.message_taken"
    TRAITS: ClassVar[Traits] = Traits(
        subject="transfer_message", asked_by="transfer.take_message", title="异地转移支付消息"
    )
    message_sm3: str
    from_ledger: str
    text: str
    cert_serial: str
    signature: str
    by: str


register(TransferMessageTaken)

"""单独成立的凭证: messages that are booked as they stand, on their sender's signature alone.

A room above enters the events that book them: they keep ``notice_sm3``, ``cert_serial`` and
``signature``. What such a document says is compared with its own event and no other; how, is
entered beside (``agreement.compare``).
"""

from collections.abc import Mapping

from ledger.events import Event
from payments.messages.message_types import SignedBy

_entered: dict[str, SignedBy | None] = {}


def stands_alone(cls: type[Event], signed_by: SignedBy | None) -> None:
    """Enters a type whose document somebody of this kind has signed; None: whom the event itself
    names as its ``sender``."""
    assert {"notice_sm3", "cert_serial", "signature"} <= {*cls.__struct_fields__}, cls.TYPE
    _entered[cls.TYPE] = signed_by


def standing_alone() -> Mapping[str, SignedBy | None]:
    """By type, who has signed."""
    return _entered

"""What former versions of events become: functions over the decoded payload, and their successors.

Bytes that were stored are never written anew: they are read with these names for ever, and
``tests/fixtures/events`` keeps some of each. How to change an event: docs/decisions/0008.
"""

from collections.abc import Callable
from typing import Any

Payload = dict[str, Any]


def _renamed(former: str, name: str) -> Callable[[Payload], Payload]:
    """A field that goes by another name; a payload without it is left to the decoder to refuse."""

    def upcast(payload: Payload) -> Payload:
        return {name if key == former else key: value for key, value in payload.items()}

    return upcast


# type name of an old version -> (what makes the next version of it, that version's name)
UPCASTERS: dict[str, tuple[Callable[[Payload], Payload], str]] = {
    # "upto" did not say of what: it is the last position whose movements the claims take
    "clearing.requested": (_renamed("upto", "upto_position"), "clearing.requested@2"),
    # "voucher" was read as a voucher's number, which is pay_cert_no; it counts the run's vouchers
    "disbursement.drawn": (_renamed("voucher", "voucher_serial"), "disbursement.drawn@2"),
}

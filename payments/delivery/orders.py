"""拨款单 on their way to the central bank, and what banks are told of corrections: those of a
parcel that the books have open."""

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from ledger.deciding.objects import AnyKind
from ledger.errors import GuokuError
from ledger.reading.objects import read_objects
from payments.corrections.telling import TELLING
from payments.messages.envelope import VoucherBody
from payments.orders.advance import ADVANCE
from payments.orders.allocations import ALLOCATION
from payments.orders.ordering import ADJUSTMENTS, ADVANCES, ALLOCATIONS, split_order_number
from payments.signing.claims import ClaimSigner
from payments.signing.orders import order_body

_kinds: dict[str, AnyKind] = {
    ADVANCES: ADVANCE,
    ALLOCATIONS: ALLOCATION,
    **dict.fromkeys(ADJUSTMENTS.values(), TELLING),
}


def deliver(of: str, kind: AnyKind) -> None:
    """Enters the orders of a room above: what their numbers name, and the kind of their objects."""
    assert _kinds.setdefault(of, kind) is kind, f"{of} is entered twice"


def read_open_orders(
    connection: psycopg.Connection, ledger_id: int, voucher_nos: Iterable[str]
) -> list[Any]:
    """The events of the orders with these numbers that have no receipt yet."""
    found = []
    for of, kind in _kinds.items():
        places = [p for n in voucher_nos if (p := split_order_number(n)) and p.of == of]
        objects = read_objects(connection, ledger_id, kind, [place.number for place in places])
        found += [each.ordered for each in objects.values() if each.receipt is None]
    return found


def order_bodies(
    signer: ClaimSigner, orders: Iterable[Any], problems: dict[str, str]
) -> Iterator[tuple[VoucherBody, str]]:
    """The orders as they go, each with the agent bank that it goes to, "" for the central bank;
    what cannot be written is told in ``problems``."""
    for ordered in orders:
        try:
            yield order_body(signer, ordered), ordered.told_bank
        except GuokuError as error:
            problems[ordered.voucher_no] = str(error)

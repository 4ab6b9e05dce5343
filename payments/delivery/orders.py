"""拨款单 on their way to the central bank, and what banks are told of corrections: those of a
parcel that the books have open."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import psycopg

from ledger.deciding.objects import AnyKind
from ledger.errors import GuokuError
from ledger.reading.documents import open_document
from ledger.reading.objects import read_bodies, read_objects
from payments.clearing.bank_claims import BANK_CLAIM, BankClaim, split_return_number
from payments.corrections.telling import TELLING
from payments.messages.envelope import VoucherBody
from payments.orders.advance import ADVANCE
from payments.orders.allocations import ALLOCATION
from payments.orders.ordering import (
    ADJUSTMENTS,
    ADVANCES,
    ALLOCATIONS,
    PLACEMENTS,
    split_order_number,
)
from payments.orders.placements import PLACEMENT
from payments.signing.claims import ClaimSigner
from payments.signing.orders import order_body
from payments.signing.returned_claims import returned_claim

_kinds: dict[str, AnyKind] = {
    ADVANCES: ADVANCE,
    ALLOCATIONS: ALLOCATION,
    PLACEMENTS: PLACEMENT,
    **dict.fromkeys(ADJUSTMENTS.values(), TELLING),
}


class OpenReturn(NamedTuple):
    """A bank's claim that is returned, and the document by which the bank has claimed."""

    claim: BankClaim
    document: bytes


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
    return found + read_open_returns(connection, ledger_id, voucher_nos)


def read_open_returns(
    connection: psycopg.Connection, ledger_id: int, numbers: Iterable[str]
) -> list[OpenReturn]:
    """The claims that are returned under these numbers, and whose banks do not know it yet."""
    named = [claim_no for number in numbers if (claim_no := split_return_number(number))]
    claims: dict[str, BankClaim] = read_objects(connection, ledger_id, BANK_CLAIM, named)
    to_tell = [each for each in claims.values() if each.return_to_tell is not None]
    digests = {bytes.fromhex(each.taken.notice_sm3) for each in to_tell}
    stored = read_bodies(connection, ledger_id, digests)
    found = []
    for claim in to_tell:
        digest = bytes.fromhex(claim.taken.notice_sm3)
        if digest in stored:
            found.append(OpenReturn(claim, open_document(digest, stored[digest])))
    return found


def order_bodies(
    signer: ClaimSigner, orders: Iterable[Any], problems: dict[str, str]
) -> Iterator[tuple[str, VoucherBody, str]]:
    """The orders as they go, each under its number in the outbox and with the agent bank that it
    goes to, "" for the central bank; what cannot be written is told in ``problems``."""
    for ordered in orders:
        if isinstance(ordered, OpenReturn):
            returned = ordered.claim.return_to_tell
            assert returned is not None, "it is open"
            body = returned_claim(signer, ordered.claim, ordered.document)
            yield returned.voucher_no, body, returned.pay_bank_code
            continue
        try:
            yield ordered.voucher_no, order_body(signer, ordered), ordered.told_bank
        except GuokuError as error:
            problems[ordered.voucher_no] = str(error)

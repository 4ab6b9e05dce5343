"""What a bank may know that the books do not: asked after a part of the history was lost.

In doubt is every voucher and claim that was issued and has no receipt here, and every payment that
whoever told it says was told: its number follows from that. A bank that knows one has had it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import psycopg

from ledger.account_set import is_system
from ledger.errors import GuokuError
from ledger.events import decode, type_names
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.delivery.bank_client import BankClient, InquiryAnswer
from payments.delivery.contents import PBOC, Destinations
from payments.events import PaymentApproved, VoucherReceipted
from payments.issued import find_approvals
from payments.voucher_number import voucher_number

_UNANSWERED = """
SELECT e.type, e.payload FROM events e WHERE e.ledger_id = %s AND e.type = ANY(%s)
AND NOT EXISTS (SELECT FROM events r WHERE r.ledger_id = e.ledger_id
    AND r.stream_id = e.stream_id AND r.type = ANY(%s)) ORDER BY e.position"""


class NumberInDoubt(NamedTuple):
    """A number, the ledger it is of, and who would know it; ``bank`` "" where the books do not say,
    for they have no such voucher."""

    ledger_id: int
    number: str
    bank: str
    pay_app_no: str


class KnownNumber(NamedTuple):
    """A number in doubt that a bank knows."""

    asked: NumberInDoubt
    bank: str
    answer: InquiryAnswer


class Inquired(NamedTuple):
    """What the banks have said, and those that did not answer, with the reason."""

    known: list[KnownNumber]
    silent: dict[str, str]


def numbers_in_doubt(
    connection: psycopg.Connection,
    ledger_ids: Iterable[int],
    told: Iterable[tuple[int, str]],
) -> list[NumberInDoubt]:
    """Those of these ledgers.

    Args:
        told: ledger and ``pay_app_no`` of payments that were told, as their system knows.
    """
    found: dict[str, NumberInDoubt] = {}
    for key, pay_app_no in told:
        number = voucher_number(key, pay_app_no)
        found[number] = NumberInDoubt(key, number, "", pay_app_no)
    issued = find_approvals(connection, {n: each.pay_app_no for n, each in found.items()})
    for number, approval in issued.items():
        found[number] = found[number]._replace(bank=approval.pay_bank_code)
    for key in ledger_ids:
        if not is_system(key):
            for each in (*_vouchers(connection, key), *_claims(connection, key)):
                found[each.number] = each
    return list(found.values())


def _vouchers(connection: psycopg.Connection, key: int) -> Iterable[NumberInDoubt]:
    asked = (key, list(type_names(PaymentApproved)), list(type_names(VoucherReceipted)))
    for type_name, payload in connection.execute(_UNANSWERED, asked, binary=True):
        event = decode(type_name, payload)
        assert isinstance(event, PaymentApproved)
        yield NumberInDoubt(key, event.pay_cert_no, event.pay_bank_code, event.pay_app_no)


def _claims(connection: psycopg.Connection, key: int) -> Iterable[NumberInDoubt]:
    asked = (key, list(type_names(ClearingRequested)), list(type_names(ClaimReceipted)))
    for type_name, payload in connection.execute(_UNANSWERED, asked, binary=True):
        event = decode(type_name, payload)
        assert isinstance(event, ClearingRequested)
        for claim in event.claims:
            yield NumberInDoubt(key, claim.voucher_no, PBOC, "")


def inquire(
    client: BankClient, destinations: Destinations, numbers: Sequence[NumberInDoubt]
) -> Inquired:
    """Asks each bank for the numbers that it would know."""
    inquired = Inquired([], {})
    for bank, url in {**destinations.banks, PBOC: destinations.pboc}.items():
        asked = {each.number: each for each in numbers if each.bank in (bank, "")}
        if bank == PBOC:
            asked = {number: each for number, each in asked.items() if each.bank}
        if not asked:
            continue
        try:
            answers = client.inquire(url, list(asked))
        except GuokuError as error:
            inquired.silent[bank] = error.detail
            continue
        inquired.known.extend(KnownNumber(asked[n], bank, answer) for n, answer in answers.items())
    without = {each.bank for each in numbers} - {"", PBOC, *destinations.banks}
    inquired.silent.update(dict.fromkeys(without, "no address is set for it"))
    return inquired

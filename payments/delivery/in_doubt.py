"""What a bank may know that the books do not: asked after a part of the history was lost.

In doubt is every voucher, claim and order that was issued and has no receipt here, and every
payment that whoever told it says was told: its number follows from that. A bank that knows one has
had it.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import psycopg

from division.learning import read_banks
from ledger.account_set import is_system
from ledger.errors import GuokuError, UnavailableError
from ledger.events import decode, type_names
from ledger.reading.standing_heads import read_standing_heads
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.delivery.bank_client import BankClient, InquiryAnswer
from payments.delivery.channels import Channels
from payments.delivery.contents import PBOC, Destinations
from payments.events import PaymentApproved, VoucherReceipted
from payments.issued import find_approvals
from payments.order_answers import ORDER_RECEIPTS, ORDERS, TELLING_ANSWERS
from payments.voucher_number import voucher_number

_UNANSWERED = """
SELECT e.type, e.payload FROM events e WHERE e.ledger_id = %s AND e.type = ANY(%s)
AND NOT EXISTS (SELECT FROM events r WHERE r.ledger_id = e.ledger_id
    AND r.stream_id = e.stream_id AND r.type = ANY(%s)) ORDER BY e.position"""
_BANKS = """
SELECT DISTINCT convert_from(payload, 'UTF8')::json ->> 'pay_bank_code' FROM events
WHERE ledger_id = %s AND type = ANY(%s)"""


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
            of_ledger = (_vouchers, _claims, _orders)
            for each in chain.from_iterable(read(connection, key) for read in of_ledger):
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


def _orders(connection: psycopg.Connection, key: int) -> Iterable[NumberInDoubt]:
    ordered, answered = (
        [name for cls in types for name in type_names(cls)]
        for types in (ORDERS, (*ORDER_RECEIPTS, *TELLING_ANSWERS))
    )
    asked = (key, ordered, answered)
    for type_name, payload in connection.execute(_UNANSWERED, asked, binary=True):
        event: Any = decode(type_name, payload)
        yield NumberInDoubt(key, event.voucher_no, event.told_bank or PBOC, "")


class BankOfLedger(NamedTuple):
    """A bank with which vouchers of a ledger may be, and where it is asked; "" with the reason why
    it cannot be."""

    ledger_id: int
    bank: str
    url: str
    fault: str = ""


def banks_of(
    connection: psycopg.Connection, ledger_ids: Iterable[int], destinations: Destinations
) -> list[BankOfLedger]:
    """Every bank that a voucher of these ledgers was drawn on, that was ever appointed for them, or
    that the settings name.

    One whose appointment has ended is asked all the same: what it has paid before it has paid. It
    is asked where it was reached last.
    """
    channels = Channels(destinations.banks)
    found = []
    for key in sorted(set(ledger_ids)):
        url_of = channels.read(connection, key)
        heads = read_standing_heads(connection, key)
        appointed = read_banks(connection, {k: at.position for k, at in heads.items()})
        for bank in sorted({*destinations.banks, *appointed, *_drawn_on(connection, key)}):
            try:
                found.append(BankOfLedger(key, bank, url_of(bank)))
            except UnavailableError as error:
                url = destinations.banks.get(bank, "")  # before any was appointed
                found.append(BankOfLedger(key, bank, url, "" if url else error.detail))
    return found


def _drawn_on(connection: psycopg.Connection, key: int) -> Iterable[str]:
    """The banks of the ledger's vouchers, whatever has become of these."""
    rows = connection.execute(_BANKS, (key, list(type_names(PaymentApproved)))).fetchall()
    return [row[0] for row in rows if row[0]]


def inquire(
    client: BankClient,
    banks: Iterable[BankOfLedger],
    pboc_url: str,
    numbers: Sequence[NumberInDoubt],
) -> Inquired:
    """Asks each bank for the numbers that it would know: those drawn on it, and those of its
    ledgers of which the books do not say on whom."""
    inquired = Inquired([], {})
    asked: dict[tuple[str, str], dict[str, NumberInDoubt]] = {}
    by_place: dict[tuple[int, str], list[NumberInDoubt]] = {}
    for number in numbers:
        by_place.setdefault((number.ledger_id, number.bank), []).append(number)
    for at in banks:
        theirs = [*by_place.get((at.ledger_id, at.bank), ()), *by_place.get((at.ledger_id, ""), ())]
        if theirs and at.fault:
            inquired.silent[at.bank] = at.fault
        elif theirs:
            asked.setdefault((at.bank, at.url), {}).update({n.number: n for n in theirs})
    claims = {number.number: number for number in numbers if number.bank == PBOC}
    if claims:
        asked[PBOC, pboc_url] = claims
    for (bank, url), theirs_by_number in asked.items():
        try:
            answers = client.inquire(url, list(theirs_by_number))
        except GuokuError as error:
            inquired.silent[bank] = error.detail
            continue
        inquired.known.extend(
            KnownNumber(theirs_by_number[number], bank, answer)
            for number, answer in answers.items()
        )
    return inquired

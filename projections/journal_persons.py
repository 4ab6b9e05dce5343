"""制单, 审核, 记账: who has made a journal, who has agreed to it, and which one it reverses.

Nothing of this is stored with a journal: it follows from the events around it. A payment's maker is
who applied for it and its checker who approved it, whatever bank's word is booked; a clearing's is
who asked for it; of other acts it is who did them, and who agreed stands in the document's events
directly before. What a rule books is posted by the program; where several had to agree to a voucher
by hand, the first has checked and the last has posted it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import psycopg

from accounting.voucher_events import AccountingVoucherEntered, AccountingVoucherReversed
from ledger.deciding.principals import PROGRAM
from ledger.events import DocumentApproved, JournalPosted, decode, type_names
from payments.clearing.events import ClearingRequested
from payments.correction_events import PaymentCorrected, RefundShared
from payments.events import PaymentApplied, PaymentApproved, PaymentRefunded, VoucherReceipted

_MADE_BY_FIRST = (PaymentApplied, ClearingRequested)  # of their streams
_JOURNALS = list(type_names(JournalPosted))
_BY_HAND = (AccountingVoucherEntered.TYPE, AccountingVoucherReversed.TYPE)
# by the event of a red journal, that of the one which it reverses; else it is the application's
_REVERSES = {
    PaymentRefunded.TYPE: VoucherReceipted.TYPE,
    RefundShared.TYPE: VoucherReceipted.TYPE,
    PaymentCorrected.TYPE: VoucherReceipted.TYPE,
    AccountingVoucherReversed.TYPE: AccountingVoucherEntered.TYPE,
}

# the first event of the stream, the business event itself, an approval, and all of its journals
_AROUND = """
SELECT j.position, f.position, f.stream_version, f.type, f.payload
FROM unnest(%(positions)s::bigint[], %(sources)s::bigint[]) AS asked (position, source)
JOIN events j ON j.ledger_id = %(ledger_id)s AND j.position = asked.position
JOIN events f ON f.ledger_id = j.ledger_id AND f.stream_id = j.stream_id
    AND (f.stream_version = 1 OR f.position = asked.source OR f.type = ANY(%(types)s))
ORDER BY j.position, f.position"""
# the last agreement brings its act in the same commit; those before it stand in its stream
_AGREED = """
SELECT asked.source, a.position, a.payload, ARRAY(
    SELECT b.payload FROM events b WHERE b.ledger_id = %(ledger_id)s
        AND b.stream_id = a.stream_id AND b.stream_version < a.stream_version
        AND b.type = ANY(%(types)s) ORDER BY b.stream_version)
FROM unnest(%(sources)s::bigint[]) AS asked (source)
CROSS JOIN LATERAL (
    SELECT coalesce(max(position), 0) AS position FROM commits
    WHERE ledger_id = %(ledger_id)s AND position < asked.source) AS before
JOIN events a ON a.ledger_id = %(ledger_id)s AND a.type = ANY(%(types)s)
    AND a.position > before.position AND a.position < asked.source
ORDER BY a.position"""


class Persons(msgspec.Struct, frozen=True):
    """Of one journal; "" where nobody is known or had to agree.

    Attributes:
        red_vou_no: position of the journal that it reverses; None where that is none, or many.
    """

    made_by: str = ""
    checked_by: str = ""
    posted_by: str = PROGRAM
    red_vou_no: int | None = None


def persons_of(
    connection: psycopg.Connection, ledger_id: int, journals: Mapping[int, JournalPosted]
) -> dict[int, Persons]:
    """Persons by the journals' positions."""
    around: dict[int, list[tuple[int, int, Any]]] = {position: [] for position in journals}
    scope = {
        "ledger_id": ledger_id,
        "positions": list(journals),
        "sources": [journal.source for journal in journals.values()],
        "types": [*type_names(PaymentApproved), *_JOURNALS],
    }
    for position, at, version, type_name, payload in connection.execute(
        _AROUND, scope, binary=True
    ):
        around[position].append((at, version, decode(type_name, payload)))
    found = {at: _person(journal, around[at]) for at, journal in journals.items()}
    unchecked = {journals[at].source for at, of in found.items() if not of.checked_by}
    agreed = _agreed(connection, ledger_id, unchecked)
    for at, of in found.items():
        if not of.checked_by and (persons := agreed.get(journals[at].source)):
            found[at] = _checked(of, persons, by_hand=journals[at].event in _BY_HAND)
    return found


def _checked(of: Persons, agreed: Sequence[str], *, by_hand: bool) -> Persons:
    """With those who have agreed, in their order."""
    if by_hand and len(agreed) > 1:
        return msgspec.structs.replace(of, checked_by=agreed[0], posted_by=agreed[-1])
    return msgspec.structs.replace(of, checked_by=agreed[-1])


def _person(journal: JournalPosted, around: Collection[tuple[int, int, Any]]) -> Persons:
    maker = checker = ""
    for at, version, event in around:
        first = version == 1 and isinstance(event, _MADE_BY_FIRST)
        if first or (at == journal.source and not maker):
            maker = getattr(event, "by", "")
        elif isinstance(event, PaymentApproved):
            checker = event.by
    if journal.event == PaymentApplied.TYPE:
        checker = ""  # it was booked before anybody looked at it
    return Persons(maker, checker, red_vou_no=_reversed(journal, around))


def _reversed(journal: JournalPosted, around: Collection[tuple[int, int, Any]]) -> int | None:
    """What came back was booked by the bank's receipt, what was released by the application."""
    if not journal.red_flag:
        return None
    booked_by = _REVERSES.get(journal.event, PaymentApplied.TYPE)
    for at, _, event in around:
        if isinstance(event, JournalPosted) and event.event == booked_by:
            return at
    return None


def _agreed(
    connection: psycopg.Connection, ledger_id: int, sources: Collection[int]
) -> dict[int, list[str]]:
    """By the position of an event, who have agreed to what it was waiting for, in their order."""
    types = list(type_names(DocumentApproved))
    scope = {"ledger_id": ledger_id, "sources": list(sources), "types": types}
    found: dict[int, list[str]] = {}
    for source, position, payload, before in connection.execute(_AGREED, scope, binary=True):
        approved = _approved(payload)
        if source <= position + approved.brings:
            earlier = map(_approved, before)
            found[source] = [each.by for each in earlier if each.submission == approved.submission]
            found[source].append(approved.by)
    return found


def _approved(payload: bytes) -> DocumentApproved:
    approved = decode(DocumentApproved.TYPE, payload)
    assert isinstance(approved, DocumentApproved)
    return approved

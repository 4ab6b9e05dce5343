"""未了事项: documents that nobody has decided. What they ask for could not take effect any more."""

from collections.abc import Iterator
from datetime import date

from ledger.account_set import fiscal_year_of
from ledger.closing import OWN_DAYS, UNFINISHED, AccountingPeriod, Blockers, declare_blockers
from ledger.deciding.documents import DOCUMENT, SUBMITTED, Document
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import LedgerState
from ledger.events import OpenItem
from ledger.money import yuan

DOCUMENT_SUBMITTED = "document_submitted"
_CLOSE = ("period.", "year_end.")  # what closes a period or a year is asked for by a document, too
_AMOUNTS = ("amt", "adj_amt", "amount")
_DECEMBER = 12


def _documents(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """Those that are dated in the period or before; at the year's end those without a date, too:
    they take effect on the day on which they are agreed to, and the year has none left then."""
    for number, cached in state.cached(DOCUMENT).items():
        document: Document = cached.obj
        if document.state != SUBMITTED or document.kind.startswith(_CLOSE):
            continue
        asked = _period_of(document)
        if period.month >= _DECEMBER if asked is None else asked <= period:
            yield OpenItem(kind=DOCUMENT_SUBMITTED, number=number, amt=_amt_of(document))


def _of_their_acts(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """Those whose act has a day by what it is, such as the day of a report, or the year's first of
    an opening: behind its closing nobody could agree to them. December looks for them as for those
    without a day."""
    if period.month >= _DECEMBER:
        return
    for number, cached in state.cached(DOCUMENT).items():
        document: Document = cached.obj
        if document.state != SUBMITTED or _period_of(document) is not None:
            continue
        day = document.command.day_asked(fiscal_year_of(state.ledger_id))
        if day is not None and day <= period.last_day:
            yield OpenItem(kind=DOCUMENT_SUBMITTED, number=number, amt=_amt_of(document))


def _amt_of(document: Document) -> str:
    """Over how much it is, where it names one amount."""
    body = document.submitted.body
    return next((body[name] for name in _AMOUNTS if name in body), yuan(0))


def _period_of(document: Document) -> AccountingPeriod | None:
    """The period that it asks to take effect in; None where that is open."""
    body = document.submitted.body
    if named := body.get("acct_period"):
        return AccountingPeriod.named(named, "/acct_period")
    if dated := body.get("effective_on"):
        day = date.fromisoformat(dated)
        return AccountingPeriod(day.year, day.month)
    return None


declare_blockers(
    "documents",
    Blockers(
        ((DOCUMENT, WHOLE),),
        _documents,
        {DOCUMENT_SUBMITTED: ("document.approve", "document.return")},
        since=UNFINISHED,
    ),
)
declare_blockers(
    "documents by their acts' days", Blockers(((DOCUMENT, WHOLE),), _of_their_acts, {}, OWN_DAYS)
)

"""对账包入账: a signed package, counted once; with the last one, what the comparison found. Pure.

The comparison is made beside the books (``comparing``) and handed to the decision, which believes
it for the packages that it names; every verification makes it again.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import ClassVar

import msgspec

from accounting.reconciliation.events import (
    ComparisonAsked,
    DifferencesFound,
    PackageCounted,
    PackageReceived,
    ReconciliationCompared,
    ReconciliationNoted,
    Unmatched,
)
from accounting.reconciliation.matching import ComparedLines
from accounting.reconciliation.statement import (
    CONFIRMED,
    PACKAGE,
    RECONCILIATION,
    Reconciliation,
    counted,
    opened_by,
    package_number,
    says_otherwise,
)
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan

DIFFERENCES_AT_ONCE = 500  # in one event

Happened = list[tuple[AnyKind | None, str, Event]]


class TakePackage(Command, frozen=True, kw_only=True):
    """对账包入账: fields as those of :class:`PackageReceived`, signature verified."""

    OPERATION: ClassVar[str] = "reconciliation.receive"
    KIND: ClassVar[AnyKind] = PACKAGE
    ALSO: ClassVar[tuple[AnyKind, ...]] = (RECONCILIATION,)
    KEEPS_REFUSAL: ClassVar[bool] = False
    recon_no: str
    pack_no: int
    pack_num: int
    voucher_no: str
    vt_code: str
    sender: str
    e_voucher_type: str
    begin_date: str
    end_date: str
    tre_code: str
    all_num: int
    all_amt: str
    line_num: int
    line_amt: str
    notice_sm3: str
    cert_serial: str
    signature: str
    document: bytes
    comparison: ComparedLines | None = None

    @property
    def number(self) -> str:
        return package_number(self.recon_no, self.pack_no)

    @classmethod
    def number_in(cls, event: PackageReceived) -> str:
        return package_number(event.recon_no, event.pack_no)

    @property
    def body(self) -> object:
        """The package is its bytes; it may be signed anew."""
        return self.notice_sm3

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        comparison = comparison_in(told.behind())
        return (cls(**fields_in(cls, told.event, document=b"", comparison=comparison)),)

    def needs(self) -> Iterable[Need]:
        return (PACKAGE, self.number), (RECONCILIATION, self.recon_no)

    def decide(self, state: LedgerState, by: str) -> Decision:
        _require_past(state, self.begin_date, self.end_date)
        received = PackageReceived(
            **{
                name: getattr(self, name)
                for name in PackageReceived.__struct_fields__
                if name != "by"
            },
            by=by,
        )
        before: Reconciliation | None = state.get(RECONCILIATION, self.recon_no)
        opened = before.opened if before else opened_by(received)
        if name := says_otherwise(opened, received):
            raise _mismatch(f"{name} is not that of the package before it")
        package = PackageCounted(
            recon_no=self.recon_no,
            pack_no=self.pack_no,
            line_num=self.line_num,
            line_amt=self.line_amt,
            notice_sm3=self.notice_sm3,
        )
        after = counted(before or Reconciliation(opened=opened), package)
        _require_sums(after)
        # point of no return: it is evidence, whatever it says
        events: Happened = [(PACKAGE, self.number, received)]
        if before is None:
            events.append((RECONCILIATION, self.recon_no, opened))
        events.append((RECONCILIATION, self.recon_no, package))
        events.extend(compared(after, self.comparison))
        return Decision(
            events=events,
            opens=() if before else ((RECONCILIATION, self.recon_no),),
            effective_on=state.today,
            shared_documents=[(bytes.fromhex(self.notice_sm3), self.document)],
        )


class CompareReconciliation(Command, frozen=True, kw_only=True):
    """再次比对: all packages against what the books have by now."""

    OPERATION: ClassVar[str] = "reconciliation.compare"
    NUMBER: ClassVar[str] = "compare_no"
    KIND: ClassVar[AnyKind] = RECONCILIATION
    KEEPS_REFUSAL: ClassVar[bool] = False
    recon_no: str
    compare_no: str
    comparison: ComparedLines | None = None

    @property
    def body(self) -> object:
        """What is found is nothing that was asked."""
        return msgspec.structs.replace(self, comparison=None)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**fields_in(cls, told.event, comparison=comparison_in(told.behind()))),)

    def needs(self) -> Iterable[Need]:
        return ((RECONCILIATION, self.recon_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        found = require_reconciliation(state, self.recon_no)
        if found.state == CONFIRMED:
            raise Refusal(Code.INVALID_STATE, "it is confirmed")
        happened = compared(found, self.comparison)
        if not happened:
            raise Refusal(Code.INVALID_STATE, "packages are missing 对账包未到齐")
        # point of no return
        asked = ComparisonAsked(recon_no=self.recon_no, compare_no=self.compare_no, by=by)
        return Decision(
            events=[(RECONCILIATION, self.recon_no, asked), *happened], effective_on=state.today
        )


def require_reconciliation(state: LedgerState, recon_no: str) -> Reconciliation:
    """Raises Refusal ``not_found``."""
    found: Reconciliation | None = state.get(RECONCILIATION, recon_no)
    if found is None:
        raise Refusal(Code.NOT_FOUND, f"no reconciliation {recon_no!r}")
    return found


def compared(found: Reconciliation, comparison: ComparedLines | None) -> Happened:
    """What a comparison leaves; nothing where it is of other packages than are there."""
    if comparison is None or not found.is_whole or comparison.packages != found.package_sm3s:
        return []
    opened, differences = found.opened, comparison.differences
    result = ReconciliationCompared(
        recon_no=opened.recon_no,
        upto_position=comparison.upto_position,
        packages=comparison.packages,
        matched_num=comparison.matched_num,
        booked_num=comparison.booked_num,
        booked_amt=yuan(comparison.booked_fen),
        diff_num=len(differences),
    )
    happened: Happened = [(RECONCILIATION, opened.recon_no, result)]
    for part in _parts(differences):
        told = DifferencesFound(recon_no=opened.recon_no, differences=part)
        happened.append((RECONCILIATION, opened.recon_no, told))
    noted = ReconciliationNoted(
        recon_no=opened.recon_no,
        vt_code=opened.vt_code,
        sender=opened.sender,
        e_voucher_type=opened.e_voucher_type,
        begin_date=opened.begin_date,
        end_date=opened.end_date,
        diff_num=len(differences),
    )
    return [*happened, (None, "", noted)]


def comparison_in(events: Iterable[Event]) -> ComparedLines | None:
    """The comparison that these events tell of; the reverse of :func:`compared`."""
    result: ReconciliationCompared | None = None
    differences: list[Unmatched] = []
    for event in events:
        if isinstance(event, ReconciliationCompared):
            result = event
        elif isinstance(event, DifferencesFound):
            differences.extend(event.differences)
    if result is None:
        return None
    return ComparedLines(
        upto_position=result.upto_position,
        packages=result.packages,
        matched_num=result.matched_num,
        booked_num=result.booked_num,
        booked_fen=stored_fen(result.booked_amt),
        differences=tuple(differences),
    )


def _parts(differences: tuple[Unmatched, ...]) -> Iterator[tuple[Unmatched, ...]]:
    left = iter(differences)
    while part := tuple(islice(left, DIFFERENCES_AT_ONCE)):
        yield part


def _require_past(state: LedgerState, begin_date: str, end_date: str) -> None:
    """Raises Refusal ``period_closed`` outside the year, ``future_date`` for days to come."""
    begin, end = date.fromisoformat(begin_date), date.fromisoformat(end_date)
    if not begin.year == end.year == state.fiscal_year:
        raise Refusal(
            Code.PERIOD_CLOSED, f"{begin} to {end} is not in the fiscal year {state.fiscal_year}"
        )
    if end > state.calendar_day:
        raise Refusal(Code.FUTURE_DATE, f"{end} has not come: it is {state.calendar_day}")


def _require_sums(found: Reconciliation) -> None:
    """Raises Refusal ``receipt_mismatch`` where the packages are all there, and do not make what
    each of them says they make together."""
    if not found.is_whole:
        return
    lines, amount_fen = found.sums
    due = found.opened.all_num, stored_fen(found.opened.all_amt)
    if (lines, amount_fen) != due:
        raise _mismatch(
            f"with it all packages have {lines} lines over {yuan(amount_fen)}, they say {due[0]}"
            f" over {found.opened.all_amt} 对账包合计不符"
        )


def _mismatch(detail: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, detail)

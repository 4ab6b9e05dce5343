"""From events to the rows of an export: what happened in order, how things stand by stream."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import Any, NamedTuple

from budget.balances import NOTHING, Balances
from budget.distribution_events import DistributionRaised, DistributionReturned
from budget.events import (
    IndicatorAdjusted,
    IndicatorIssued,
    IndicatorReallocatedIn,
    IndicatorReallocatedOut,
    PlanCut,
    PlanSet,
    amount_of,
    moved_by,
)
from budget.indicator import CODED, INDICATOR, Indicator
from budget.indicators import number_of
from budget.year_end_events import IndicatorCarriedOver, IndicatorReleased, IndicatorTakenBack
from ledger.account_set import division_of, ledger_text
from ledger.books import DEBIT, Charts
from ledger.deciding.opening import TITLE
from ledger.deciding.settings import LedgerSettings
from ledger.errors import IntegrityError
from ledger.events import CommandRefused, JournalPosted, LedgerOpened
from ledger.money import parse_yuan, stored_fen, yuan
from payments.clearing.claims import CLEARING, Clearing
from payments.clearing.events import ClearingRequested
from payments.events import PaymentApplied
from payments.payment import PAYMENT, Payment
from projections.core.fold import Fact
from projections.exchange.payment_rows import (
    detail_rows,
    movement_rows,
    payment_row,
    voucher_row,
)
from projections.exchange.period import Period
from projections.exchange.registers import (
    ExportedAccount,
    ExportedAccountBalance,
    ExportedAgency,
    ExportedElement,
    ExportedExecution,
    ExportedLedger,
    ExportedProject,
)
from projections.exchange.rows import (
    ExportedAdjustment,
    ExportedClearing,
    ExportedEvent,
    ExportedIndicator,
    ExportedJournal,
    ExportedPlan,
    ExportedRefusal,
)
from projections.exchange.subject import Subject, flag
from projections.exchange.year_rows import remainder_rows, year_rows

Rows = Iterator[Subject]

_AS_ISSUED = (*CODED, *(code.replace("_code", "_name") for code in CODED))


class _Named(NamedTuple):
    """An account as rows show it, by the chart the entry was made with."""

    book: str
    book_name: str
    account: str
    acct_cls_code: str
    acct_cls_name: str


class Subjects:
    """Makes the rows of one export. What it remembers grows with units, projects, codes and
    accounts, and not with events."""

    def __init__(self, period: Period, charts: Charts, balances: Mapping[str, Balances]) -> None:
        self._period = period
        self._charts = charts
        self._balances = balances
        self._settings = LedgerSettings()
        self._agencies: dict[str, str] = {}
        self._elements: dict[tuple[str, str], str] = {}
        self._projects: dict[tuple[str, str], str] = {}
        self._turnover: dict[tuple[str, str, str], list[int]] = {}
        self._accounts: dict[tuple[str, str], _Named] = {}

    # ---- in order of position

    def in_order(self, row: tuple[Any, ...], fact: Fact | None) -> Rows:
        """Rows that an event gives rise to by itself."""
        position, stream_id, version, type_name, recorded_at, effective_on, payload, digest = row
        yield ExportedEvent(
            position,
            stream_id,
            version,
            type_name,
            recorded_at,
            effective_on,
            _text(payload),
            digest.hex(),
        )
        if fact is None:
            return
        if isinstance(fact.event, JournalPosted):
            yield from self._journal(fact, fact.event)
        elif isinstance(fact.event, CommandRefused):
            r = fact.event
            yield ExportedRefusal(
                fact.position, r.operation, r.number, r.code, r.detail, r.by, fact.recorded_at
            )

    def _journal(self, fact: Fact, journal: JournalPosted) -> Rows:
        period = f"{fact.effective_on:%m}"
        for number, line in enumerate(journal.lines, 1):
            account = self._account(fact, journal.chart_version, line.account)
            amount_fen = parse_yuan(line.amt)
            key = period, journal.chart_version, line.account
            turnover = self._turnover.setdefault(key, [0, 0])
            turnover[line.dr_cr != DEBIT] += amount_fen
            yield ExportedJournal(
                position=fact.position,
                line=number,
                source=journal.source,
                event=journal.event,
                effective_on=fact.effective_on,
                number=journal.number,
                bgt_id=line.bgt_id or journal.bgt_id,
                fund_type_code=journal.fund_type_code,
                rule=journal.chart_version,
                red_flag=journal.red_flag,
                **account._asdict(),
                dr_cr=line.dr_cr,
                amt=amount_fen,
            )

    def _account(self, fact: Fact, rule: str, account_id: str) -> _Named:
        if (known := self._accounts.get((rule, account_id))) is None:
            books = self._charts.by_version.get(rule)
            account = books.accounts.get(account_id) if books else None
            if books is None or account is None:
                raise IntegrityError(
                    f"event {fact.position} is posted to account {account_id!r} of chart {rule!r}, "
                    "which is not loaded (GUOKU_CHARTS)"
                )
            title = books.titles[account.book]
            known = _Named(account.book, title, account_id, account.code, account.name)
            self._accounts[rule, account_id] = known
        return known

    # ---- by stream

    def of_stream(self, facts: Sequence[Fact]) -> Rows:
        """Rows of one object: as it stands, and what happened to it in the period."""
        first = facts[0].event if facts else None
        match first:
            case IndicatorIssued():
                yield from self._indicator(facts, first)
            case PaymentApplied():
                yield from self._payment(facts)
            case ClearingRequested():
                yield from self._clearing(facts)
            case LedgerOpened():
                for fact in facts:
                    self._settings = self._settings.after(fact.event)
            case _:
                yield from year_rows(facts)

    def _within(self, facts: Sequence[Fact]) -> Iterator[Fact]:
        return (fact for fact in facts if fact.position >= self._period.first)

    def _indicator(self, facts: Sequence[Fact], issued: IndicatorIssued) -> Rows:
        indicator: Indicator | None = reduce(INDICATOR.fold, (f.event for f in facts), None)
        assert indicator is not None
        b = self._balances.get(issued.bgt_id, NOTHING)
        amount_fen = b.amount + stored_fen(indicator.pending_amt or yuan(0))
        self._remember(issued)
        yield ExportedIndicator(
            bgt_id=issued.bgt_id,
            **{name: getattr(issued, name) for name in _AS_ISSUED},
            is_contrlbyplan=flag(issued.is_contrlbyplan),
            bgt_exe_flag=indicator.bgt_exe_flag,
            ori_bgt_id=issued.ori_bgt_id,
            doc_date=facts[0].effective_on,
            issued_amt=parse_yuan(issued.amount),
            amount=amount_fen,
            frozen_amt=b.frozen,
            pay_app_amt=b.occupied,
            pay_amt=b.paid,
            canuse_amt=b.available,
            plan_amt=b.plan,
            issued_position=facts[0].position,
            create_time=facts[0].recorded_at,
        )
        yield ExportedExecution(
            **{name: getattr(issued, name) for name in ExportedExecution.__struct_fields__[:6]},
            amount=amount_fen,
            pay_app_amt=b.occupied,
            pay_amt=b.paid,
            canuse_amt=b.available,
        )
        for fact in self._within(facts):
            yield from _adjustment(fact, issued)
        yield from remainder_rows(facts, indicator, self._period.first)

    def _remember(self, issued: IndicatorIssued) -> None:
        self._agencies[issued.agency_code] = issued.agency_name
        self._projects[issued.pro_code, issued.agency_code] = issued.pro_name
        for code in CODED:
            if code not in ("agency_code", "pro_code"):
                name = getattr(issued, code.replace("_code", "_name"))
                self._elements[code.removesuffix("_code"), getattr(issued, code)] = name

    def _payment(self, facts: Sequence[Fact]) -> Rows:
        payment: Payment | None = reduce(PAYMENT.fold, (f.event for f in facts), None)
        assert payment is not None
        yield payment_row(payment, facts)
        if payment.approved is not None:
            yield voucher_row(payment, facts)
        yield from detail_rows(payment)
        for fact in self._within(facts):
            yield from movement_rows(fact, payment)

    def _clearing(self, facts: Sequence[Fact]) -> Rows:
        clearing: Clearing | None = reduce(CLEARING.fold, (f.event for f in facts), None)
        assert clearing is not None
        requested = clearing.requested
        for claim in requested.claims:
            receipt = clearing.receipts.get(claim.voucher_no)
            yield ExportedClearing(
                clear_no=requested.clear_no,
                clear_date=date.fromisoformat(requested.clear_date),
                pay_bank_code=requested.pay_bank_code,
                status=clearing.status,
                vt_code=claim.vt_code,
                voucher_no=claim.voucher_no,
                fund_type_code=claim.fund_type_code,
                pay_amt=parse_yuan(claim.pay_amt),
                line_count=len(claim.lines),
                xpay_amt=parse_yuan(receipt.xpay_amt, zero=True) if receipt else None,
                xclear_date=date.fromisoformat(receipt.xclear_date) if receipt else None,
                rejected=receipt.rejected if receipt else "",
                position=facts[0].position,
                create_time=facts[0].recorded_at,
            )

    # ---- at the end

    def at_end(self) -> Rows:
        """Registers and totals, each in the order of its keys."""
        period = self._period
        yield ExportedLedger(
            acct_set_code=ledger_text(period.ledger_id),
            acct_set_name=self._settings.get(TITLE).name,
            mof_div_name=self._settings.get(TITLE).mof_div_name or division_of(period.ledger_id),
            from_position=period.first,
            to_position=period.last,
            chain=period.chain.hex(),
        )
        for agency, name in sorted(self._agencies.items()):
            yield ExportedAgency(agency, name)
        for (catalog, code), name in sorted(self._elements.items()):
            yield ExportedElement(catalog, code, name)
        for (rule, account_id), account in sorted(self._accounts.items()):
            side = self._charts.by_version[rule].accounts[account_id].side
            yield ExportedAccount(rule=rule, **account._asdict(), dr_cr=side)
        for (project, agency), name in sorted(self._projects.items()):
            yield ExportedProject(project, name, agency)
        for (month, rule, account_id), (debit_fen, credit_fen) in sorted(self._turnover.items()):
            a = self._accounts[rule, account_id]
            yield ExportedAccountBalance(
                month,
                a.book,
                a.account,
                a.acct_cls_code,
                a.acct_cls_name,
                debit_fen,
                credit_fen,
            )


def _adjustment(fact: Fact, issued: IndicatorIssued) -> Rows:
    """The row of an event that changed an indicator, if this is one."""

    def row(act: str, number: str, amount_fen: int, other: str = "", reason: str = "") -> Subject:
        by: str = getattr(fact.event, "by", "")
        place = (fact.effective_on, by, fact.position, fact.recorded_at)
        return ExportedAdjustment(issued.bgt_id, number, act, other, amount_fen, reason, *place)

    match fact.event:
        case IndicatorAdjusted() as e:
            amount_fen = parse_yuan(e.adj_amt, signed=True)
            yield row("追加" if amount_fen > 0 else "追减", e.adj_no, amount_fen, reason=e.reason)
        case IndicatorReallocatedOut() as e:
            yield row("调剂调出", e.adj_no, -parse_yuan(e.amt), e.to_bgt_id, e.reason)
        case IndicatorReallocatedIn() as e:
            yield row("调剂调入", e.adj_no, parse_yuan(e.amt), e.from_bgt_id)
        case PlanSet() as e:
            yield ExportedPlan(
                plan_voucher_no=e.plan_voucher_no,
                bgt_id=issued.bgt_id,
                agency_code=issued.agency_code,
                plan_month=e.plan_month,
                plan_amt=parse_yuan(e.plan_amt, signed=True),
                effective_on=fact.effective_on,
                made_by=e.by,
                position=fact.position,
                create_time=fact.recorded_at,
            )
        case PlanCut() as e:
            for month in e.months:
                yield ExportedPlan(
                    plan_voucher_no=e.adj_no,
                    bgt_id=issued.bgt_id,
                    agency_code=issued.agency_code,
                    plan_month=month.plan_month,
                    plan_amt=-parse_yuan(month.plan_amt),
                    effective_on=fact.effective_on,
                    made_by=e.by,
                    position=fact.position,
                    create_time=fact.recorded_at,
                )
        case DistributionRaised() | DistributionReturned() as e:  # of what is 待下达
            yield row(e.TRAITS.title, e.adj_no, 0, e.part_bgt_id)
        case IndicatorReleased() | IndicatorCarriedOver() | IndicatorTakenBack() as e:
            yield row(e.TRAITS.title, e.carry_no, amount_of(e) * moved_by(e, "available"))
        case e if e.TRAITS.subject == INDICATOR.name and not isinstance(e, IndicatorIssued):
            moved_fen = amount_of(e) * moved_by(e, "available")
            yield row(e.TRAITS.title, number_of(e), moved_fen, reason=getattr(e, "reason", ""))


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None

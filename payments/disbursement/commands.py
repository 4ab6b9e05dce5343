"""批量支付: disbursement runs (惠民惠农补贴, 工资统发). Pure decisions.

Approval freezes (冻结) a run's total, so that the whole of it is covered before the first voucher
is drawn and nobody else can use the money up. Drawing a voucher sets its amount free and applies
for it in one transaction.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.events import IndicatorFrozen, IndicatorUnfrozen
from budget.indicator import INDICATOR, Indicator, journal, moved
from budget.indicator import require as require_indicator
from budget.plans import require_planned
from ledger.calendar import effective_day
from ledger.deciding.approvals import same_person
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import parse_yuan, yuan
from payments.disbursement.events import (
    DisbursementApproved,
    DisbursementClosed,
    DisbursementDrawn,
    DisbursementLoaded,
    DisbursementStarted,
    DisbursementStopped,
)
from payments.disbursement.opening import executable
from payments.disbursement.repeats import ALL_LISTS, PAID_LISTS
from payments.disbursement.run import (
    APPROVED,
    DISBURSEMENT,
    EXECUTED,
    EXECUTING,
    LOADED,
    OPENED,
    STOPPED,
    Run,
    asked_of_run,
    payment_number,
    require,
    require_status,
    voucher_count,
)


class _OnRun(Command, frozen=True, kw_only=True):
    """A command about one existing run and its indicator."""

    KIND: ClassVar[AnyKind] = DISBURSEMENT
    run_no: str
    bgt_id: str

    def needs(self) -> Iterable[Need]:
        return ((DISBURSEMENT, self.run_no), (INDICATOR, self.bgt_id))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**asked_of_run(cls, told)),)

    def _only(self, event: Event, state: LedgerState) -> Decision:
        return Decision(events=[(DISBURSEMENT, self.run_no, event)], effective_on=state.today)


class LoadLines(_OnRun, frozen=True, kw_only=True):
    """The lines are in the table, validated as a whole; until approval others may replace them."""

    OPERATION: ClassVar[str] = "disbursement.load"
    line_count: int
    pay_amt: str
    lines_sm3: str
    file_sm3: str
    payees_sm3: str = ""

    def decide(self, state: LedgerState, by: str) -> Decision:
        run = require(state, self.run_no)
        require_status(run, OPENED, LOADED)
        if run.loaded is not None and run.loaded.by == by and self.is_told_by(run.loaded):
            raise Refusal(Code.INVALID_STATE, f"run {run.run_no} has these lines already")
        if run.opened.payees_sm3 not in ("", self.payees_sm3):
            raise Refusal(
                Code.DETAILS_MISMATCH,
                "the lines are not what the list that the run was opened for pays to whom",
            )
        # point of no return
        loaded = DisbursementLoaded(
            run_no=self.run_no,
            line_count=self.line_count,
            pay_amt=self.pay_amt,
            lines_sm3=self.lines_sm3,
            file_sm3=self.file_sm3,
            payees_sm3=self.payees_sm3,
            by=by,
        )
        return self._only(loaded, state)


class ApproveRun(_OnRun, frozen=True, kw_only=True):
    """审核通过 of every line at once: ``lines_sm3`` is what the table holds as this is asked.

    ``repeats_run_no``: a run that pays the same list, if it is meant to be paid once more.
    """

    OPERATION: ClassVar[str] = "disbursement.approve"
    lines_sm3: str
    repeats_run_no: str = ""

    def needs(self) -> Iterable[Need]:
        yield from super().needs()
        yield ALL_LISTS
        if self.repeats_run_no:
            yield DISBURSEMENT, self.repeats_run_no

    def decide(self, state: LedgerState, by: str) -> Decision:
        run = require(state, self.run_no)
        day = effective_day(state, run.effective_on)
        indicator = executable(state, run.bgt_id, day)
        require_status(run, LOADED)
        loaded = run.loaded
        assert loaded is not None
        _require_same_lines(self.lines_sm3, loaded.lines_sm3)
        lists = self._entered(state, day, loaded.payees_sm3)
        total_fen = parse_yuan(loaded.pay_amt)
        after = _reserved(state, indicator, day, total_fen)
        if same_person(by, run.opened.by) or same_person(by, loaded.by):
            raise Refusal(Code.SAME_PERSON, "whoever made the run may not check it")
        # point of no return
        approved = DisbursementApproved(
            run_no=self.run_no,
            line_count=loaded.line_count,
            voucher_count=voucher_count(loaded.line_count),
            pay_amt=loaded.pay_amt,
            lines_sm3=loaded.lines_sm3,
            payees_sm3=loaded.payees_sm3,
            repeats_run_no=self.repeats_run_no,
            by=by,
        )
        frozen = IndicatorFrozen(
            bgt_id=run.bgt_id,
            freeze_no=self.run_no,
            amt=loaded.pay_amt,
            figures=after.row.figures(),
            by=by,
            run_no=self.run_no,
        )
        return _with_money(state, day, run, approved, frozen, [after, *lists], indicator)

    def _entered(self, state: LedgerState, day: date, payees_sm3: str) -> list[MovedRow]:
        """The register with this list paid once more; nothing for what was loaded before lists
        were compared.

        Raises:
            Refusal: ``run_repeated``: it is paid already, and no run that does so is named;
                ``details_mismatch``: the one that is named pays another.
        """
        repeated = self.repeats_run_no
        if repeated:
            other = require(state, repeated)
            known = other.approved.payees_sm3 if other.approved else ""
            if repeated == self.run_no or not payees_sm3 or known != payees_sm3:
                detail = f"run {repeated} does not pay the list of {self.run_no}"
                raise Refusal(Code.DETAILS_MISMATCH, detail, pointer="/repeats_run_no")
        if not payees_sm3:
            return []
        if state.row(PAID_LISTS, payees_sm3).runs and not repeated:
            raise Refusal(
                Code.RUN_REPEATED,
                f"another run pays the same amounts to the same accounts as {self.run_no}; if that "
                "is meant, approve with its number as repeats_run_no",
            )
        return [state.moved(PAID_LISTS, payees_sm3, day, {"runs": 1})]


def _require_same_lines(found: str, known: str) -> None:
    if found != known:
        raise Refusal(
            Code.DETAILS_MISMATCH,
            f"the lines are not those that were loaded: their SM3 is {found}, not {known}",
            lines_sm3=found,
        )


def _reserved(state: LedgerState, indicator: Indicator, day: date, total_fen: int) -> MovedRow:
    """The balances with the run's total frozen."""
    require_planned(state, indicator, day, total_fen)
    return moved(state, day, indicator.bgt_id, IndicatorFrozen.TYPE, {"amount": total_fen})


def _with_money(
    state: LedgerState,
    day: date,
    run: Run,
    event: Event,
    money: IndicatorFrozen | IndicatorUnfrozen,
    moved_rows: list[MovedRow],
    indicator: Indicator,
) -> Decision:
    """The run's event, and behind it what it does to the indicator, with its journal."""
    entry = journal(
        state,
        money.TYPE,
        day,
        number=money.freeze_no,
        indicator=indicator,
        amounts_fen={"amount": parse_yuan(money.amt)},
        ahead=1,
    )
    return Decision(
        events=[
            (DISBURSEMENT, run.run_no, event),
            (INDICATOR, run.bgt_id, money),
            (INDICATOR, run.bgt_id, entry),
        ],
        effective_on=day,
        moved=moved_rows,
    )


def _freed(
    state: LedgerState, day: date, run: Run, amount_fen: int, by: str
) -> tuple[IndicatorUnfrozen, MovedRow]:
    """What sets a part of the run's frozen amount free, and the balances after it; under the run's
    name, if it has frozen it so."""
    indicator = state.get(INDICATOR, run.bgt_id)
    named = indicator is not None and run.run_no in indicator.run_nos
    after = moved(state, day, run.bgt_id, IndicatorUnfrozen.TYPE, {"amount": amount_fen})
    unfrozen = IndicatorUnfrozen(
        bgt_id=run.bgt_id,
        freeze_no=run.run_no,
        amt=yuan(amount_fen),
        figures=after.row.figures(),
        by=by,
        run_no=run.run_no if named else "",
    )
    return unfrozen, after


class StartRun(_OnRun, frozen=True, kw_only=True):
    """A signer takes the run on; ``lines_sm3`` is what the table holds as this is asked."""

    OPERATION: ClassVar[str] = "disbursement.execute"
    role: str
    lines_sm3: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        run = require(state, self.run_no)
        require_status(run, APPROVED, EXECUTING, STOPPED, EXECUTED)
        assert run.approved is not None
        _require_same_lines(self.lines_sm3, run.approved.lines_sm3)
        if any(each.by == by and self.is_told_by(each) for each in run.started):
            raise Refusal(Code.INVALID_STATE, f"run {run.run_no} is in the hands of {by} already")
        # point of no return
        return self._only(DisbursementStarted(run_no=self.run_no, role=self.role, by=by), state)


class DrawVoucher(_OnRun, frozen=True, kw_only=True):
    """Sets the next voucher's amount free; its application follows in the same transaction.

    Vouchers are drawn in order and each once, whoever executes and however often.
    """

    OPERATION: ClassVar[str] = "disbursement.draw"
    voucher: int
    pay_amt: str

    def is_told_by(self, event: DisbursementDrawn) -> bool:
        return (event.run_no, event.voucher_serial) == (self.run_no, self.voucher)

    def decide(self, state: LedgerState, by: str) -> Decision:
        run = require(state, self.run_no)
        day = effective_day(state, run.effective_on)
        indicator = require_indicator(state, run.bgt_id)
        require_status(run, EXECUTING)
        amount_fen = parse_yuan(self.pay_amt)
        self._check_place(run, amount_fen)
        unfrozen, after = _freed(state, day, run, amount_fen, by)
        # point of no return
        drawn = DisbursementDrawn(
            run_no=self.run_no,
            voucher_serial=self.voucher,
            pay_app_no=payment_number(self.run_no, self.voucher),
            pay_amt=self.pay_amt,
            by=by,
        )
        return _with_money(state, day, run, drawn, unfrozen, [after], indicator)

    def _check_place(self, run: Run, amount_fen: int) -> None:
        assert run.approved is not None
        if self.voucher != run.drawn + 1:
            raise Refusal(
                Code.INVALID_STATE,
                f"the next voucher of run {run.run_no} is {run.drawn + 1}, not {self.voucher}",
            )
        last = self.voucher == run.approved.voucher_count
        left_fen = run.reserved_fen - amount_fen
        if left_fen < 0 or last != (left_fen == 0):
            raise Refusal(
                Code.DETAILS_MISMATCH,
                f"voucher {self.voucher} would leave {yuan(left_fen)} of what was approved",
            )


class StopRun(_OnRun, frozen=True, kw_only=True):
    """No further voucher is drawn until the run is started again."""

    OPERATION: ClassVar[str] = "disbursement.stop"
    reason: str = ""

    def decide(self, state: LedgerState, by: str) -> Decision:
        run = require(state, self.run_no)
        require_status(run, EXECUTING, EXECUTED)
        if run.stopped is not None:
            raise Refusal(Code.INVALID_STATE, f"run {run.run_no} is stopped already")
        # point of no return
        return self._only(DisbursementStopped(run_no=self.run_no, reason=self.reason, by=by), state)


class CloseRun(_OnRun, frozen=True, kw_only=True):
    """结束: the run ends here; what was frozen for it and not drawn is set free."""

    OPERATION: ClassVar[str] = "disbursement.close"

    def needs(self) -> Iterable[Need]:
        return (*super().needs(), ALL_LISTS)

    def decide(self, state: LedgerState, by: str) -> Decision:
        run = require(state, self.run_no)
        # the date of the run may be closed by now; money is set free today
        day = effective_day(state, None)
        indicator = require_indicator(state, run.bgt_id)
        require_status(run, OPENED, LOADED, APPROVED, STOPPED)
        released_fen = run.reserved_fen
        unpaid = run.approved.payees_sm3 if run.approved and not run.drawn else ""
        lists = [state.moved(PAID_LISTS, unpaid, day, {"runs": -1})] if unpaid else []
        closed = DisbursementClosed(
            run_no=self.run_no,
            released_amt=yuan(released_fen),
            unpaid_payees_sm3=unpaid,
            by=by,
        )
        if not released_fen:
            return self._only(closed, state)
        unfrozen, after = _freed(state, day, run, released_fen, by)
        return _with_money(state, day, run, closed, unfrozen, [after, *lists], indicator)

"""补贴发放清单: a list of a subsidy is entered as a whole, for who has not had it. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import ClassVar

from budget.indicator import INDICATOR, Indicator, require_executable
from budget.indicator import require as require_indicator
from division.standard import STANDARD, RegisteredStandard
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.of_division import OfDivision
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan, stored_fen, yuan
from payments.list_files import WrongField, refuse_lines, wrong_lines
from payments.payees import PayeesDigest
from payments.subsidies.events import SubsidyLine, SubsidyListLoaded
from payments.subsidies.lines import LINES_MAX, rules_of
from payments.subsidies.subsidy_list import (
    BY_MONTH,
    BY_YEAR,
    OTHER_YEAR,
    PAID_PERIODS,
    SUBSIDY_LIST,
    entered_keys,
    kind_key,
    other_kind,
    person_key,
)

STANDARD_OF_DIVISION: OfDivision[RegisteredStandard] = OfDivision(STANDARD)
_PERIOD = re.compile(r"20[0-9]{2}(-(0[1-9]|1[0-2]))?", re.ASCII)
_TO_PERSONS = ("303", "509")  # 对个人和家庭的补助, of units and of governments


class LoadSubsidyList(Command, frozen=True, kw_only=True):
    """补贴发放清单 of a subsidy for a month, or a year; ``pay_amt`` is the sum of its lines."""

    OPERATION: ClassVar[str] = "subsidy_list.load"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "补贴发放"
    NUMBER: ClassVar[str] = "subsidy_list_no"
    KIND: ClassVar[AnyKind] = SUBSIDY_LIST
    KEEPS_REFUSAL: ClassVar[bool] = False
    subsidy_list_no: str
    subsidy_code: str
    pay_period: str
    bgt_id: str
    subsidy_std_amt: str
    std_code: str = ""
    pay_amt: str
    lines: tuple[SubsidyLine, ...]
    file_sm3: str = ""
    effective_on: date | None = None

    @classmethod
    def asked_in(cls, told: Told) -> Iterator[Command]:
        for dated in (None, told.day):
            yield cls(**fields_in(cls, told.event, effective_on=dated))

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        if _PERIOD.fullmatch(self.pay_period) is None:
            problem = "pay_period is a month, such as 2026-03, or a year"
            raise RequestError(Code.MALFORMED, problem, pointer="/pay_period")
        if not 0 < len(self.lines) <= LINES_MAX:
            problem = f"a list has 1 to {LINES_MAX} lines"
            raise RequestError(Code.MALFORMED, problem, pointer="/lines")
        parse_yuan(self.subsidy_std_amt, pointer="/subsidy_std_amt")
        parse_yuan(self.pay_amt, pointer="/pay_amt")
        for place, line in enumerate(self.lines):
            parse_yuan(line.pay_amt, pointer=f"/lines/{place}/pay_amt")

    def needs(self) -> Iterable[Need]:
        yield SUBSIDY_LIST, self.subsidy_list_no
        yield INDICATOR, self.bgt_id
        if self.std_code:
            yield STANDARD_OF_DIVISION, self.std_code
        for kind in (BY_MONTH, BY_YEAR):
            yield PAID_PERIODS, kind_key(self.subsidy_code, self.pay_period, kind)
        other = other_kind(self.pay_period)
        yield OTHER_YEAR, kind_key(self.subsidy_code, self.pay_period, other)
        for line in self.lines:
            key = person_key(self.subsidy_code, self.pay_period, line.iden_no)
            yield PAID_PERIODS, key
            yield OTHER_YEAR, key

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        self._check_period(state)
        indicator = require_indicator(state, self.bgt_id, day)
        require_executable(indicator)
        self._check_elements(state, indicator, day)
        refuse_lines(
            wrong_lines(rules_of(stored_fen(self.subsidy_std_amt)), self.lines), len(self.lines)
        )
        payees = self._added_up()
        refuse_lines(self._repeated(state), len(self.lines))
        # point of no return
        loaded = SubsidyListLoaded(
            subsidy_list_no=self.subsidy_list_no,
            subsidy_code=self.subsidy_code,
            pay_period=self.pay_period,
            bgt_id=self.bgt_id,
            agency_code=indicator.issued.agency_code,
            subsidy_std_amt=self.subsidy_std_amt,
            std_code=self.std_code,
            pay_amt=self.pay_amt,
            lines=self.lines,
            payees_sm3=payees.hex(),
            file_sm3=self.file_sm3,
            by=by,
        )
        return Decision(
            events=[(SUBSIDY_LIST, self.subsidy_list_no, loaded)],
            effective_on=day,
            moved=self._moved(state, day),
        )

    def _check_period(self, state: LedgerState) -> None:
        """A period that has begun; of a former year it may be in arrears.

        Raises:
            Refusal: ``period_closed`` of a year after the ledger's, ``future_date``.
        """
        pointer = "/pay_period"
        if self.pay_period[:4] > str(state.fiscal_year):
            detail = f"{self.pay_period} is after the fiscal year {state.fiscal_year}"
            raise Refusal(Code.PERIOD_CLOSED, detail, pointer=pointer)
        if self.pay_period > state.calendar_day.isoformat()[: len(self.pay_period)]:
            detail = f"{self.pay_period} has not begun: it is {state.calendar_day} in Beijing"
            raise Refusal(Code.FUTURE_DATE, detail, pointer=pointer)

    def _check_elements(self, state: LedgerState, indicator: Indicator, day: date) -> None:
        """Raises Refusal ``element_invalid``, ``element_mismatch``."""
        issued = indicator.issued
        if not (issued.dep_bgt_eco_code or issued.gov_bgt_eco_code).startswith(_TO_PERSONS):
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"{self.bgt_id} is not of 对个人和家庭的补助 ({', '.join(_TO_PERSONS)})",
                pointer="/bgt_id",
                bgt_id=self.bgt_id,
            )
        if self.std_code:
            self._check_standard(state, day)
        other = other_kind(self.pay_period)
        is_paid, where = _entered(state, kind_key(self.subsidy_code, self.pay_period, other))
        if is_paid:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"{self.subsidy_code} is paid by the {other} in {self.pay_period[:4]}{where}",
                pointer="/pay_period",
            )

    def _check_standard(self, state: LedgerState, day: date) -> None:
        registered = state.of_division(STANDARD_OF_DIVISION, self.std_code)
        standard = None if registered is None else registered.on(day)
        if standard is None:
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"no standard {self.std_code} is registered in the division for {day}",
                pointer="/std_code",
            )
        if standard.amt != self.subsidy_std_amt:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"the standard {self.std_code} is {standard.amt} on {day}",
                pointer="/subsidy_std_amt",
            )

    def _added_up(self) -> PayeesDigest:
        """Who gets how much; raises Refusal ``details_mismatch`` unless it makes the sum."""
        payees, total_fen = PayeesDigest(), 0
        for line in self.lines:
            amount_fen = stored_fen(line.pay_amt)
            payees.take(line.payee_acct_no, amount_fen)
            total_fen += amount_fen
        if total_fen != stored_fen(self.pay_amt):
            raise Refusal(
                Code.DETAILS_MISMATCH,
                f"the lines add up to {yuan(total_fen)}, not {self.pay_amt}",
                pointer="/pay_amt",
            )
        return payees

    def _repeated(self, state: LedgerState) -> Iterator[tuple[int, WrongField]]:
        for place, line in enumerate(self.lines):
            key = person_key(self.subsidy_code, self.pay_period, line.iden_no)
            is_paid, where = _entered(state, key)
            if is_paid:
                subsidy = f"{self.subsidy_code} for {self.pay_period}{where}"
                detail = f"{line.per_name} is in a list of {subsidy} 重复发放"
                yield place, WrongField("iden_no", Code.RUN_REPEATED, detail)

    def _moved(self, state: LedgerState, day: date) -> list[MovedRow]:
        return [state.moved(PAID_PERIODS, key, day, {"lists": 1}) for key in entered_keys(self)]


def _entered(state: LedgerState, key: str) -> tuple[bool, str]:
    """Whether a list has entered the row, in this year's ledger or another, and in which other."""
    other = state.fact(OTHER_YEAR, key).ledger
    return bool(other or state.row(PAID_PERIODS, key).lists), f", in {other}" if other else ""

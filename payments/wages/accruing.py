"""计提 and 代扣: wages are owed before they are paid, and a part of them to others than the staff.

Both are the unit's financial book alone; its budgetary book moves when money does, and so does the
indicator. Pure decisions.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar

import msgspec

from budget.indicator import INDICATOR
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan
from payments.wages.events import WagesAccrued, WagesWithheld
from payments.wages.owed import (
    ACCRUED,
    INSTITUTIONS,
    WITHHELD,
    check_month,
    require_month,
    wages_of,
)

ZERO = "0.00"


class WageAccrual(msgspec.Struct, frozen=True):
    """Wages that were accrued."""

    accrued: WagesAccrued


class WageWithholding(msgspec.Struct, frozen=True):
    """What was withheld of wages."""

    withheld: WagesWithheld


def _accrual(accrual: WageAccrual | None, event: Event) -> WageAccrual | None:
    return WageAccrual(event) if isinstance(event, WagesAccrued) else accrual


def _withholding(withholding: WageWithholding | None, event: Event) -> WageWithholding | None:
    return WageWithholding(event) if isinstance(event, WagesWithheld) else withholding


WAGE_ACCRUAL: Kind[WageAccrual] = Kind(name="wage_accrual", opened_by="wage.accrue", fold=_accrual)
WAGE_WITHHOLDING: Kind[WageWithholding] = Kind(
    name="wage_withholding", opened_by="wage.withhold", fold=_withholding
)


class _OfWages(Command, frozen=True, kw_only=True):
    """What is booked of the wages that an indicator pays."""

    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "工资计提代扣"
    bgt_id: str
    sala_month: str
    reason: str = ""
    effective_on: date | None = None

    def needs(self) -> Iterable[Need]:
        assert self.KIND is not None
        return (self.KIND, self.number), (INDICATOR, self.bgt_id)

    def _decision(
        self,
        state: LedgerState,
        day: date,
        event: WagesAccrued | WagesWithheld,
        amounts_fen: Mapping[str, int],
        codes: Mapping[str, str],
    ) -> Decision:
        assert self.KIND is not None
        entry = state.books(day).post(
            event.TYPE,
            source=state.next_position,
            number=self.number,
            amounts_fen=by_sign(amounts_fen),
            codes=codes,
            bgt_id=self.bgt_id,
        )
        return Decision(
            events=[(self.KIND, self.number, event), (self.KIND, self.number, entry)],
            effective_on=day,
        )


class AccrueWages(_OfWages, frozen=True, kw_only=True):
    """工资计提: 应发 of a month, and what the unit owes for its staff beside (单位缴纳)."""

    OPERATION: ClassVar[str] = "wage.accrue"
    NUMBER: ClassVar[str] = "accrual_no"
    KIND: ClassVar[AnyKind] = WAGE_ACCRUAL
    accrual_no: str
    amt: str
    manage_amt: str = ZERO

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        check_month(self.sala_month)
        amount_fen = parse_yuan(self.amt, pointer="/amt", signed=True)
        manage_fen = _signed(self.manage_amt, "/manage_amt")
        if not min(0, amount_fen) <= manage_fen <= max(0, amount_fen):
            raise RequestError(
                Code.INVALID_AMOUNT, "manage_amt is a part of amt", pointer="/manage_amt"
            )

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        require_month(state, self.sala_month)
        indicator, codes = wages_of(state, self.bgt_id, day, ACCRUED)
        amount_fen = parse_yuan(self.amt, signed=True)
        manage_fen = _signed(self.manage_amt)
        type_code = codes["agency_type_code"]
        if manage_fen and type_code and type_code not in INSTITUTIONS:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                "单位管理费用 is an institution's (事业单位); this unit has 业务活动费用 alone",
                pointer="/manage_amt",
            )
        # point of no return
        accrued = WagesAccrued(
            accrual_no=self.accrual_no,
            bgt_id=self.bgt_id,
            agency_code=indicator.issued.agency_code,
            agency_type_code=type_code,
            sala_month=self.sala_month,
            amt=self.amt,
            manage_amt=self.manage_amt,
            reason=self.reason,
            by=by,
        )
        amounts = {"accrued": amount_fen - manage_fen, "managed": manage_fen}
        return self._decision(state, day, accrued, amounts, codes)


class WithholdWages(_OfWages, frozen=True, kw_only=True):
    """工资代扣: of what was accrued, what others than the staff get."""

    OPERATION: ClassVar[str] = "wage.withhold"
    NUMBER: ClassVar[str] = "withhold_no"
    KIND: ClassVar[AnyKind] = WAGE_WITHHOLDING
    withhold_no: str
    income_tax_amt: str = ZERO
    insurance_amt: str = ZERO
    housing_fund_amt: str = ZERO

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        check_month(self.sala_month)
        if not any(self._amounts_fen().values()):
            raise RequestError(
                Code.INVALID_AMOUNT, "nothing is withheld", pointer="/income_tax_amt"
            )

    def _amounts_fen(self) -> dict[str, int]:
        return {
            "income_tax": _signed(self.income_tax_amt, "/income_tax_amt"),
            "insurance": _signed(self.insurance_amt, "/insurance_amt"),
            "housing_fund": _signed(self.housing_fund_amt, "/housing_fund_amt"),
        }

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        require_month(state, self.sala_month)
        indicator, codes = wages_of(state, self.bgt_id, day, WITHHELD)
        # point of no return
        withheld = WagesWithheld(
            withhold_no=self.withhold_no,
            bgt_id=self.bgt_id,
            agency_code=indicator.issued.agency_code,
            agency_type_code=codes["agency_type_code"],
            sala_month=self.sala_month,
            income_tax_amt=self.income_tax_amt,
            insurance_amt=self.insurance_amt,
            housing_fund_amt=self.housing_fund_amt,
            reason=self.reason,
            by=by,
        )
        return self._decision(state, day, withheld, self._amounts_fen(), codes)


def by_sign(amounts_fen: Mapping[str, int]) -> dict[str, int]:
    """The amounts of a rule: what is more under its name, what is less under ``<name>_less``."""
    more = {name: max(0, fen) for name, fen in amounts_fen.items()}
    return more | {f"{name}_less": max(0, -fen) for name, fen in amounts_fen.items()}


def _signed(amt: str, pointer: str = "") -> int:
    return parse_yuan(amt, pointer=pointer, signed=True, zero=True)

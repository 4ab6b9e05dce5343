"""工资统发: a list of wages is entered as a whole, and with it what each unit owes. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import ClassVar

from budget.indicator import INDICATOR
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen, yuan
from payments.list_files import refuse_lines, wrong_lines
from payments.payees import PayeesDigest
from payments.wages.accruing import by_sign
from payments.wages.events import WagesAccrued
from payments.wages.file import RULES
from payments.wages.lines import AMOUNTS, amount_of, sums_of
from payments.wages.owed import ACCRUED, WITHHELD, check_month, require_month, wages_of
from payments.wages.run import (
    LINES_MAX,
    NORMAL,
    OTHER_YEAR,
    PAID_MONTHS,
    SUPPLEMENT,
    WAGE_RUN,
    month_key,
)
from payments.wages.run_events import WageLine, WagePart, WageRunAccrued, WageRunLoaded

Codes = dict[str, str]


class LoadWageRun(Command, frozen=True, kw_only=True):
    """工资统发名单; ``wage_sala``, ``total_ded`` and ``net_sala`` are the sums of its lines."""

    OPERATION: ClassVar[str] = "wage_run.load"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "工资统发"
    NUMBER: ClassVar[str] = "wage_run_no"
    KIND: ClassVar[AnyKind] = WAGE_RUN
    KEEPS_REFUSAL: ClassVar[bool] = False
    wage_run_no: str
    sala_month: str
    sala_property: str = NORMAL
    wage_sala: str
    total_ded: str
    net_sala: str
    lines: tuple[WageLine, ...]
    file_sm3: str = ""
    effective_on: date | None = None

    @classmethod
    def asked_in(cls, told: Told) -> Iterator[Command]:
        for dated in (None, told.day):
            yield cls(**fields_in(cls, told.event, effective_on=dated))

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        check_month(self.sala_month)
        if self.sala_property not in (NORMAL, SUPPLEMENT):
            raise RequestError(
                Code.MALFORMED, "sala_property is 1 正常 or 2 补发", pointer="/sala_property"
            )
        if not 0 < len(self.lines) <= LINES_MAX:
            raise RequestError(
                Code.MALFORMED, f"a list has 1 to {LINES_MAX} lines", pointer="/lines"
            )
        parse_yuan(self.wage_sala, pointer="/wage_sala")
        parse_yuan(self.total_ded, pointer="/total_ded", zero=True)
        parse_yuan(self.net_sala, pointer="/net_sala")
        for place, line in enumerate(self.lines):
            for field in AMOUNTS:
                amount_of(line, field, f"/lines/{place}/{field}")

    def _places(self) -> dict[str, list[int]]:
        """Where the lines of each indicator stand."""
        places: dict[str, list[int]] = {}
        for place, line in enumerate(self.lines):
            places.setdefault(line.bgt_id, []).append(place)
        return places

    def _agencies(self) -> list[str]:
        return list(dict.fromkeys(line.agency_code for line in self.lines))

    def needs(self) -> Iterable[Need]:
        yield WAGE_RUN, self.wage_run_no
        for bgt_id in self._places():
            yield INDICATOR, bgt_id
        for agency_code in self._agencies():
            yield PAID_MONTHS, month_key(agency_code, self.sala_month)
            if self.sala_property == NORMAL:
                yield OTHER_YEAR, month_key(agency_code, self.sala_month)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        require_month(state, self.sala_month)
        parts = [self._part(state, *of, day) for of in self._places().items()]
        self._check_lines()
        months = self._months(state, day)
        # point of no return
        loaded = WageRunLoaded(
            wage_run_no=self.wage_run_no,
            sala_month=self.sala_month,
            sala_property=self.sala_property,
            wage_sala=self.wage_sala,
            total_ded=self.total_ded,
            net_sala=self.net_sala,
            lines=self.lines,
            parts=tuple(part for part, _ in parts),
            file_sm3=self.file_sm3,
            by=by,
        )
        events: list[Event] = [loaded]
        for part, codes in parts:
            events += self._accrued(state, day, part, codes, len(events), by)
        return Decision(
            events=[(WAGE_RUN, self.wage_run_no, event) for event in events],
            effective_on=day,
            moved=months,
        )

    def _part(
        self, state: LedgerState, bgt_id: str, places: Sequence[int], day: date
    ) -> tuple[WagePart, Codes]:
        """What an indicator pays, and the codes that it is booked by."""
        lines = [self.lines[place] for place in places]
        pointer = f"/lines/{places[0]}/bgt_id"
        indicator, codes = wages_of(state, bgt_id, day, ACCRUED, pointer=pointer)
        agency_code = indicator.issued.agency_code
        for place, line in zip(places, lines, strict=True):
            if line.agency_code != agency_code:
                raise Refusal(
                    Code.ELEMENT_MISMATCH,
                    f"{bgt_id} is of the unit {agency_code}, not of {line.agency_code[:40]}",
                    pointer=f"/lines/{place}/agency_code",
                    bgt_id=bgt_id,
                )
        payees, sums = PayeesDigest(), sums_of(lines)
        if sums.ded_fen:
            wages_of(state, bgt_id, day, WITHHELD, pointer=pointer)
        for line in lines:
            payees.take(line.payee_acct_no, stored_fen(line.net_sala))
        part = WagePart(
            bgt_id=bgt_id,
            agency_code=agency_code,
            agency_type_code=codes["agency_type_code"],
            line_count=len(lines),
            wage_sala=yuan(sums.wage_fen),
            income_tax_amt=yuan(sums.income_tax_fen),
            insurance_amt=yuan(sums.insurance_fen),
            housing_fund_amt=yuan(sums.housing_fund_fen),
            net_sala=yuan(sums.net_fen),
            payees_sm3=payees.hex(),
        )
        return part, codes

    def _check_lines(self) -> None:
        """Each line by itself, each person once, and the sums.

        Raises:
            Refusal: ``details_mismatch`` with ``errors``, each a pointer, code and detail.
        """
        refuse_lines(wrong_lines(RULES, self.lines), len(self.lines))
        sums = sums_of(self.lines)
        of_lines = (
            ("wage_sala", sums.wage_fen),
            ("total_ded", sums.ded_fen),
            ("net_sala", sums.net_fen),
        )
        for field, fen in of_lines:
            if stored_fen(getattr(self, field)) != fen:
                raise Refusal(
                    Code.DETAILS_MISMATCH,
                    f"the lines add up to {yuan(fen)}, not {getattr(self, field)}",
                    pointer=f"/{field}",
                )

    def _months(self, state: LedgerState, day: date) -> list[MovedRow]:
        """The units' months, paid once more; a supplement says so, and counts as none.

        Raises:
            Refusal: ``run_repeated``, in this year's ledger or another.
        """
        if self.sala_property != NORMAL:
            return []
        moved = []
        for agency_code in self._agencies():
            key = month_key(agency_code, self.sala_month)
            other = state.fact(OTHER_YEAR, key).ledger
            if other or state.row(PAID_MONTHS, key).runs:
                where = f", in {other}" if other else ""
                raise Refusal(
                    Code.RUN_REPEATED,
                    f"the wages of {agency_code} for {self.sala_month} are in a list already"
                    f"{where}; what is paid beside is a supplement (sala_property 2 补发)",
                    agency_code=agency_code,
                )
            moved.append(state.moved(PAID_MONTHS, key, day, {"runs": 1}))
        return moved

    def _accrued(
        self,
        state: LedgerState,
        day: date,
        part: WagePart,
        codes: Codes,
        ahead: int,
        by: str,
    ) -> tuple[Event, Event]:
        accrued = WageRunAccrued(
            wage_run_no=self.wage_run_no, bgt_id=part.bgt_id, amt=part.wage_sala, by=by
        )
        entry = state.books(day).post(
            accrued.TYPE,
            rule_name=WagesAccrued.TYPE,
            source=state.next_position + ahead,
            number=self.wage_run_no,
            amounts_fen=by_sign({"accrued": stored_fen(part.wage_sala), "managed": 0}),
            codes=codes,
            bgt_id=part.bgt_id,
        )
        return accrued, entry

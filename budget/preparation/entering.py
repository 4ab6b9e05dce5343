"""预算编报: a unit's draft is put on record, each row held against code sets and its project."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from sys import intern
from typing import Any, ClassVar

import msgspec

from budget.coherence import budget_code_problems, budget_codes_agree
from budget.planned_projects import PROJECT_OF_DIVISION, require_planned, require_stored
from budget.preparation.draft import BUDGET_DRAFT, by_project
from budget.preparation.files import DRAFT_FILES
from budget.preparation_events import DraftEntered, DraftRow, DraftRowsEntered, IncomeRow
from budget.rows import FIRST_ROUND, SECOND_ROUND
from division.agencies import require_agency
from ledger.account_set import division_of
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen, yuan

ROWS_MAX = 50_000  # of one draft
ROWS_PER_EVENT = 500
PROBLEMS_TOLD_MAX = 1000
APPROPRIATION = "appropriation"  # 财政拨款: what a unit has of the division, no income of its own


class AskedRow(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A row as it is asked for."""

    bgt_pman_id: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    amt: str
    is_gov_pur: bool | None = None


class AskedIncome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a unit expects to have, as it is asked for."""

    inc_sort_code: str
    fund_type_code: str
    amt: str


class EnterDraft(Command, frozen=True, kw_only=True):
    """编报一上 (``round`` 1) or 二上 (2): what a unit wishes for, and what it plans.

    ``file_sm3`` is that of the file in which it was sent, if it was; then all that is wrong with
    its rows is told at once.
    """

    OPERATION: ClassVar[str] = "budget_draft.enter"
    KIND: ClassVar[AnyKind] = BUDGET_DRAFT
    CHANNEL: ClassVar[str] = "预算编报"
    NUMBER: ClassVar[str] = "draft_no"
    KEEPS_REFUSAL: ClassVar[bool] = False
    draft_no: str
    agency_code: str
    round: int
    rows: tuple[AskedRow, ...]
    income: tuple[AskedIncome, ...] = ()
    file_sm3: str = ""

    def check(self) -> None:
        """Raises RequestError for rows that no draft can have."""
        if self.round not in (FIRST_ROUND, SECOND_ROUND):
            raise RequestError(Code.MALFORMED, "round is 1 一上 or 2 二上", pointer="/round")
        if not 0 < len(self.rows) <= ROWS_MAX:
            raise RequestError(Code.MALFORMED, f"a draft has 1 to {ROWS_MAX} rows", pointer="/rows")
        for index, row in enumerate(self.rows):
            parse_yuan(row.amt, pointer=f"/rows/{index}/amt")
        _check_once([row.bgt_pman_id for row in self.rows])
        for index, income in enumerate(self.income):
            parse_yuan(income.amt, pointer=f"/income/{index}/amt")

    def needs(self) -> Iterable[Need]:
        yield BUDGET_DRAFT, self.draft_no
        if self.file_sm3:
            yield DRAFT_FILES, self.file_sm3
        for pro_code in {row.pro_code for row in self.rows}:
            yield PROJECT_OF_DIVISION, pro_code

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = state.today
        agency = require_agency(state, self.agency_code, day)
        if self.file_sm3:
            _require_sound(self._problems(state, day), len(self.rows) + len(self.income))
        rows = [
            _checked_row(state, day, self.agency_code, row, f"/rows/{index}")
            for index, row in enumerate(self.rows)
        ]
        income = [
            _checked_income(state, day, row, f"/income/{index}")
            for index, row in enumerate(self.income)
        ]
        _require_planned(state, rows)
        _require_equal(income, rows)
        # point of no return
        entered = DraftEntered(
            draft_no=self.draft_no,
            agency_code=self.agency_code,
            agency_name=agency.agency_name if agency else "",
            round=self.round,
            rows_count=len(rows),
            rows=tuple(rows[:ROWS_PER_EVENT]),
            income=tuple(income),
            file_sm3=self.file_sm3,
            codes_version=state.codes.version,
            by=by,
        )
        events: list[Event] = [entered]
        for start in range(ROWS_PER_EVENT, len(rows), ROWS_PER_EVENT):
            part = tuple(rows[start : start + ROWS_PER_EVENT])
            events.append(DraftRowsEntered(draft_no=self.draft_no, rows=part))
        files = [self.file_sm3] if self.file_sm3 else []
        return Decision(
            events=[(BUDGET_DRAFT, self.draft_no, event) for event in events],
            effective_on=day,
            moved=[state.moved(DRAFT_FILES, each, day, {"drafts": 1}) for each in files],
        )

    def _problems(self, state: LedgerState, day: date) -> Iterator[Refusal]:
        """All that is wrong with its rows, one for each code, and with what it expects to have."""
        for index, row in enumerate(self.rows):
            yield from _row_problems(state, day, self.agency_code, row, f"/rows/{index}")
        for index, income in enumerate(self.income):
            try:
                _checked_income(state, day, income, f"/income/{index}")
            except Refusal as refusal:
                yield refusal

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: DraftEntered = told.event
        rows: list[DraftRow] = list(event.rows)
        if len(rows) < event.rows_count:
            for behind in told.behind():
                rows += behind.rows if isinstance(behind, DraftRowsEntered) else ()
        asked = tuple(
            AskedRow(*(getattr(row, name) for name in AskedRow.__struct_fields__)) for row in rows
        )
        income = tuple(
            AskedIncome(row.inc_sort_code, row.fund_type_code, row.amt) for row in event.income
        )
        return (
            cls(
                draft_no=event.draft_no,
                agency_code=event.agency_code,
                round=event.round,
                rows=asked,
                income=income,
                file_sm3=event.file_sm3,
            ),
        )

    @classmethod
    def bodies_in(cls, event: Any, day: date) -> Iterable[object]:
        """None of a draft whose rows go on in further events."""
        if len(event.rows) < event.rows_count:
            return ()
        return super().bodies_in(event, day)


_ROW_CODES = (
    "pro_code",
    "exp_func_code",
    "gov_bgt_eco_code",
    "dep_bgt_eco_code",
    "fund_type_code",
)


def _check_once(bgt_pman_ids: Sequence[str]) -> None:
    if len(set(bgt_pman_ids)) == len(bgt_pman_ids):
        return
    twice = {each for each, times in Counter(bgt_pman_ids).items() if times > 1}
    index = max(index for index, each in enumerate(bgt_pman_ids) if each in twice)
    raise RequestError(
        Code.MALFORMED,
        f"row {bgt_pman_ids[index]!r} stands twice in the draft",
        pointer=f"/rows/{index}/bgt_pman_id",
    )


def _require_sound(problems: Iterable[Refusal], count: int) -> None:
    """Raises ``details_mismatch`` with the first of them, and how many there are."""
    told: list[dict[str, str]] = []
    found = 0
    for each in problems:
        found += 1
        if found <= PROBLEMS_TOLD_MAX:
            place = {"pointer": each.extra["pointer"], "code": each.code.text}
            told.append({**place, "detail": each.detail})
    if found:
        raise Refusal(
            Code.DETAILS_MISMATCH,
            f"{found} errors in {count} rows: nothing was entered",
            error_count=found,
            errors=told,
        )


def _codes_of(row: AskedRow) -> dict[str, str]:
    return {name: getattr(row, name) for name in _ROW_CODES}


def _row_problems(
    state: LedgerState, day: date, agency_code: str, row: AskedRow, pointer: str
) -> Iterator[Refusal]:
    """What :func:`_checked_row` would refuse, one for each code; the unit is the draft's own."""
    wrong = list(budget_code_problems(state, _codes_of(row), day, pointer))
    yield from wrong
    if all(each.extra["pointer"] != f"{pointer}/pro_code" for each in wrong):
        try:
            require_stored(state, row.pro_code, agency_code, pointer)
        except Refusal as refusal:
            yield refusal


def _checked_row(
    state: LedgerState, day: date, agency_code: str, row: AskedRow, pointer: str
) -> DraftRow:
    """The row with the names of its day; raises Refusal for codes or a project that cannot be."""
    codes = {"agency_code": agency_code, **_codes_of(row)}
    budget_codes_agree(state, codes, day, pointer)
    project = require_stored(state, row.pro_code, agency_code, pointer)
    version = project.on(day)
    return DraftRow(
        bgt_pman_id=row.bgt_pman_id,
        pro_name=version.pro_name,
        pro_cat_code=intern(version.pro_cat_code),
        amt=row.amt,
        is_gov_pur=row.is_gov_pur,
        **{element: intern(code) for element, code in _codes_of(row).items()},  # kept once for all
    )


def _checked_income(state: LedgerState, day: date, row: AskedIncome, pointer: str) -> IncomeRow:
    division = division_of(state.ledger_id)
    if row.inc_sort_code != APPROPRIATION:
        state.codes.check(
            "inc_sort_code",
            row.inc_sort_code,
            on=day,
            mof_div_code=division,
            pointer=f"{pointer}/inc_sort_code",
        )
    state.codes.check(
        "fund_type_code",
        row.fund_type_code,
        on=day,
        mof_div_code=division,
        pointer=f"{pointer}/fund_type_code",
    )
    return IncomeRow(
        inc_sort_code=row.inc_sort_code, fund_type_code=row.fund_type_code, amt=row.amt
    )


def _require_planned(state: LedgerState, rows: Sequence[DraftRow]) -> None:
    """Raises ``budget_mismatch`` with the row at which a project's plan has no more."""
    try:
        require_planned(state, by_project(rows), PROJECT_OF_DIVISION)
    except Refusal as refusal:
        left_fen = stored_fen(refusal.extra["available_amt"])
        for index, row in enumerate(rows):
            if row.pro_code == refusal.extra["pro_code"]:
                left_fen -= stored_fen(row.amt)
                if left_fen < 0:
                    refusal.extra["pointer"] = f"/rows/{index}/amt"
                    break
        raise


def _require_equal(income: Sequence[IncomeRow], rows: Sequence[DraftRow]) -> None:
    """A unit's income equals its expenditure, where it says what it expects."""
    expected_fen = sum(stored_fen(each.amt) for each in income)
    spent_fen = sum(stored_fen(row.amt) for row in rows)
    if income and expected_fen != spent_fen:
        raise Refusal(
            Code.BUDGET_MISMATCH,
            f"income is {yuan(expected_fen)}, expenditure {yuan(spent_fen)}",
            pointer="/income",
            available_amt=yuan(expected_fen),
            requested_amt=yuan(spent_fen),
        )

"""What is shown of a statement, and what files of it are made from."""

from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from accounting.statements.evaluation import CheckResult
from accounting.statements.formulas import Measure
from accounting.statements.table_file import StatementLine
from api.http.call import Call
from api.http.models.lists import Page
from api.http.models.shown import may_be_missing, shown_as
from api.http.published import Amount
from ledger.account_set import division_of, ledger_text
from ledger.money import yuan
from projections.statements.journals_beneath import Entry
from projections.statements.reading import AskedStatement, ExplainedCell, ShownStatement, shown


class StatementColumnView(msgspec.Struct, kw_only=True):
    """A column: its name in the rows, and what stands above it."""

    name: str
    title: str


class StatementRow(BaseModel):
    """A line of a statement; beside ``amt`` it has the table's other columns by their names
    (``opening_amt``, ``period_amt``, ``prior_amt``, …). A heading has no number and no amounts."""

    model_config = ConfigDict(extra="allow", title="StatementRow")

    line: str = Field(description="its number in the table 行次; empty for a heading")
    name: str = Field(description="as the standard names it")
    depth: int = Field(description="how far it is indented")
    amt: Amount | Literal[""] | None = may_be_missing(description="yuan; empty: nothing to say")


class StatementCheckView(msgspec.Struct, kw_only=True):
    """勾稽关系: what must be equal; ``column`` is that in which it was looked at, "" for none."""

    name: str
    column: str
    left: str
    right: str
    holds: bool


class StatementAccountView(msgspec.Struct, kw_only=True):
    """An account under a cell and how often it counts, -1 where it is subtracted; ``measure`` is
    what of it counts, ``year`` this one's or that of the year before."""

    acct_cls_id: str
    acct_cls_code: str
    acct_cls_name: str
    times: int
    measure: Annotated[str, shown_as(Measure)]
    year: Annotated[str, shown_as(Literal["this", "before"])]


class StatementEntryView(msgspec.Struct, kw_only=True):
    """A line of a journal under a cell; ``amt`` is what it adds to the cell."""

    position: int
    event: str
    number: str
    bgt_id: str
    effective_on: str
    red_flag: int
    acct_cls_id: str
    acct_cls_name: str
    dr_cr: int
    amt: str


class ExplainedCellView(msgspec.Struct, kw_only=True):
    """A cell: the accounts under it and their journals, which add up to it over all pages."""

    line: str
    column: str
    amt: str
    accounts: list[StatementAccountView]
    journals: Page[StatementEntryView]


class StatementView(msgspec.Struct, kw_only=True):
    """A statement 报表: ``through`` is the last business day that counts; ``explained`` is null
    where no cell is asked for."""

    ledger: str
    name: str
    title: str
    form: str
    agency_code: str
    agency_name: str
    through: str
    position: int
    columns: list[StatementColumnView]
    rows: Annotated[list[dict[str, Any]], shown_as(list[StatementRow])]
    checks: list[StatementCheckView]
    explained: ExplainedCellView | None


class StatementNameView(msgspec.Struct, kw_only=True):
    """A statement that there is: ``of`` whose books."""

    name: str
    title: str
    form: str
    of: Literal["treasury", "unit"]


class StatementListView(msgspec.Struct, kw_only=True):
    statements: list[StatementNameView]


def entry_view(entry: Entry) -> StatementEntryView:
    return StatementEntryView(
        position=entry.position,
        event=entry.event,
        number=entry.number,
        bgt_id=entry.bgt_id,
        effective_on=entry.effective_on.isoformat(),
        red_flag=entry.red_flag,
        acct_cls_id=entry.account.id,
        acct_cls_name=entry.account.name,
        dr_cr=entry.dr_cr,
        amt=yuan(entry.fen),
    )


def statement_view(call: Call, asked: AskedStatement, found: ShownStatement) -> StatementView:
    key, agency_code = asked.scope.ledger_id, asked.scope.agency_code
    entry = asked.table.entry
    codes, day, division = call.treasury.codes(), found.through, division_of(key)

    def named(line: StatementLine) -> str:
        if not line.code or line.each is None:
            return line.name
        name = codes.name(line.each.element, line.code, on=day, mof_div_code=division)
        return f"{line.code} {name}".strip()

    return StatementView(
        ledger=ledger_text(key),
        name=asked.table.name,
        title=entry.title,
        form=entry.form,
        agency_code=agency_code,
        agency_name=agency_code
        and codes.name("agency_code", agency_code, on=day, mof_div_code=division),
        through=found.through.isoformat(),
        position=found.position,
        columns=[
            StatementColumnView(name=name, title=column.title)
            for name, column in entry.columns.items()
        ],
        rows=[
            {"line": line.number, "name": named(line), "depth": line.depth}
            | {column: shown(fen) for column, fen in cells.items()}
            for line, cells in found.worked.rows
        ],
        checks=[check_view(check) for check in found.worked.checks],
        explained=None,
    )


def check_view(check: CheckResult) -> StatementCheckView:
    return StatementCheckView(
        name=check.name,
        column=check.column,
        left=yuan(check.left),
        right=yuan(check.right),
        holds=check.holds,
    )


def accounts_view(asked: AskedStatement, found: ExplainedCell) -> list[StatementAccountView]:
    """The accounts under a cell, each as often as it stands in the formulas."""
    return [
        StatementAccountView(
            acct_cls_id=account.id,
            acct_cls_code=account.code,
            acct_cls_name=account.name,
            times=leaf.times,
            measure=leaf.measure,
            year=leaf.year,
        )
        for leaf in found.leaves
        for account in asked.statements.accounts.values()
        if leaf.term.names(account.id)
    ]

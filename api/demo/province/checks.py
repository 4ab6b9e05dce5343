"""Whether a ledger's year came to what was asked for, in every book of every party.

What each division had planned is counted by the program that drove it, and stands here against the
six books, the read models, the agent bank's own book and the central bank's.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg_pool import ConnectionPool

from accounting.statements import load_statements
from api.demo.books import OUTLAYS
from api.demo.province.plan import FISCAL_YEAR
from api.demo.province.year import BANK, DivisionFigures
from api.verification import Progress, Task, verify_all
from budget.balances import BALANCES, Balances
from budget.rows import ROWS, RowAmounts
from budget.year_end.closing import HANDED_OVER
from ledger.account_set import division_of, is_standing, ledger_id, ledger_text, parse_ledger
from ledger.books import Charts
from ledger.calendar import PERIODS
from ledger.money import yuan
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head
from ledger.verification.findings import first_of
from payments.clearing.uncleared import UNCLEARED
from payments.verification.run import Options
from projections.core.moments import Moment
from projections.statements.figures import StatementScope
from projections.statements.reading import AskedStatement, read_statement

YEAR_END = date(FISCAL_YEAR, 12, 31)
ZERO_BALANCE_ACCOUNT = "F1"

# the movements of an account on each business day, as the live read model has them, but for what
# closes the year
_DAYS = """
SELECT t.effective_on, t.account, t.debit_fen, t.credit_fen
FROM proj_positions g JOIN proj_account_totals t USING (ledger_id, generation)
WHERE g.ledger_id = %s AND g.projection = 'account_totals' AND g.live AND t.of_year = ''"""
_PAYMENTS = """
SELECT count(*), coalesce(sum(p.xpay_fen), 0)::bigint, coalesce(sum(p.refund_fen), 0)::bigint,
       count(*) FILTER (WHERE p.status = 'failed'),
       count(*) FILTER (WHERE p.status = 'partially_paid'),
       count(*) FILTER (WHERE p.status NOT IN ('paid', 'partially_paid', 'failed', 'refunded')),
       count(*) FILTER (WHERE p.xpay_fen > 0 AND p.clear_no = '')
FROM proj_positions g JOIN proj_payments p USING (ledger_id, generation)
WHERE g.ledger_id = %s AND g.projection = 'payments' AND g.live"""
_RECEIPTS = """
SELECT count(*), count(DISTINCT stream_id) FROM events
WHERE ledger_id = %s AND type = 'voucher.receipted'"""


class Check(NamedTuple):
    """One identity: its name, what was seen, and whether it holds."""

    name: str
    seen: str
    holds: bool


def same(name: str, figures: Mapping[str, int], show: Callable[[int], str] = yuan) -> Check:
    """Figures that must be one and the same."""
    seen = " = ".join(f"{source} {show(figure)}" for source, figure in figures.items())
    return Check(name, seen, len(set(figures.values())) == 1)


def check_ledger(
    pool: ConnectionPool,
    charts: Charts,
    ledger: str,
    asked: DivisionFigures,
    closed: date | None = None,
) -> Iterator[Check]:
    """The identities of one ledger, from what its books and read models hold.

    Args:
        closed: the day through which the books must be closed; None for the year, handed over.
    """
    key = parse_ledger(ledger)
    with pool.connection() as connection:
        days = [
            (day, account, int(debit_fen), int(credit_fen))
            for day, account, debit_fen, credit_fen in connection.execute(_DAYS, (key,))
        ]
        counted = _one(connection, _PAYMENTS, key)
        balances = read_rows(connection, key, BALANCES).values()
        rows = read_rows(connection, key, ROWS).values()
        receipts = _one(connection, _RECEIPTS, key)
        uncleared = read_rows(connection, key, UNCLEARED)
        head = read_head(connection, key)
    payments, paid_fen, refunded_fen, failed, partly, open_, unclaimed = counted
    accounts = _closings(charts, days)
    yield from _double_entry(charts, days)
    yield from _budget_agrees(asked, accounts, list(rows))
    yield same(
        "支付笔数",
        {
            "计划": asked.payments,
            "账上": payments,
            "回单": receipts[0],
            "有回单的支付": receipts[1],
        },
        str,
    )
    yield same("失败", {"计划": asked.failing, "账上": failed}, str)
    yield same("部分失败", {"计划": asked.partly_failing, "账上": partly}, str)
    # when the year is handed over nothing stands in the book of indicators any more 核销
    controlled = {} if closed is None else {"控制余额": sum(b.paid for b in balances)}
    yield from _books_agree(asked, accounts, paid_fen - refunded_fen, controlled)
    yield from _nothing_applied_for(accounts, list(balances))
    yield same(
        "无在途",
        {
            "应为": 0,
            "未回单": open_,
            "未清算": unclaimed + len(uncleared),
            "低于下限": sum(min(msgspec.structs.astuple(b)) < 0 for b in balances),
        },
        str,
    )
    yield _zero_balance(days)
    through = head.settings.get(PERIODS).closed_through if head else None
    yield Check("结账", f"已结至 {through}", through == (closed or YEAR_END))


def _budget_agrees(
    asked: DivisionFigures, accounts: Mapping[str, int], rows: Sequence[RowAmounts]
) -> Iterator[Check]:
    """All that was approved was issued: 指标来源 has what the rows have, and 支出预算 nothing."""
    yield same("预算行", {"计划": asked.rows, "账上": len(rows)}, str)
    yield same(
        "预算一致",
        {
            "计划": asked.budgeted_fen,
            "指标来源": accounts.get("指标来源", 0),
            "变动后预算": sum(row.cur for row in rows),
            "已下达": sum(row.cur - row.rest for row in rows),
        },
    )
    yield same("支出预算已全部下达", {"应为": 0, "支出预算": accounts.get("支出预算", 0)})


def _books_agree(
    asked: DivisionFigures,
    accounts: Mapping[str, int],
    net_fen: int,
    controlled: Mapping[str, int],
) -> Iterator[Check]:
    """What was paid: one figure in every book that has it."""
    yield same(
        "支付一致",
        {
            "计划": asked.paid_fen - asked.refunded_fen,
            "支付(指标账)": -accounts.get("支付", 0),
            "Σ回单−退款": net_fen,
            **controlled,
            "−Δ国库存款": -accounts.get("国库存款", 0),
            "预算支出": sum(accounts.get(name, 0) for name in OUTLAYS),
            "单位支出": accounts.get("行政支出", 0) + accounts.get("事业支出", 0),
        },
    )


def _nothing_applied_for(
    accounts: Mapping[str, int], balances: Sequence[Balances]
) -> Iterator[Check]:
    """What is available and is applied for: one figure in the books and the register."""
    yield same(
        "指标余额",
        {
            "支出指标(指标账)": -accounts.get("支出指标", 0),
            "可用指标": sum(b.available for b in balances),
        },
    )
    yield same(
        "支付申请余额",
        {"指标账": -accounts.get("支付申请", 0), "控制余额": sum(b.occupied for b in balances)},
    )


def check_year_end(
    pool: ConnectionPool, charts: Charts, ledger: str, asked: DivisionFigures
) -> Iterator[Check]:
    """What was left is in the next year's ledger, and the statements of both years agree within."""
    key = parse_ledger(ledger)
    following = ledger_id(division_of(key), FISCAL_YEAR + 1)
    tables = load_statements(charts)
    with pool.connection() as connection:
        head = read_head(connection, key)
        assert head is not None, "the year was lived through"
        handed = head.settings.get(HANDED_OVER)
        begun = read_rows(connection, following, BALANCES).values()
        yield same("结转笔数", {"计划": asked.carried, "移交": handed.indicators}, str)
        yield same(
            "年终结转",
            {
                "计划": asked.carried_fen,
                "预算−支付": asked.budgeted_fen - asked.paid_fen + asked.refunded_fen,
                "次年上年结转": sum(balances.available for balances in begun),
            },
        )
        for year, of in ((key, FISCAL_YEAR), (following, FISCAL_YEAR + 1)):
            scope = StatementScope(year, Moment())
            shown = [
                read_statement(
                    connection, AskedStatement(charts, tables, table, scope, date(of, 12, 31))
                )
                for table in tables.of_year(of).values()
            ]
            checks = [check for statement in shown for check in statement.worked.checks]
            failing = [check.name for check in checks if not check.holds]
            seen = "; ".join(failing) or f"{len(shown)} 张表, {len(checks)} 项勾稽"
            yield Check(f"{of} 年报表", seen, not failing)


def check_histories(
    conninfo: str, ledgers: Sequence[str], folder: Path, progress: Progress
) -> Iterator[tuple[str, Check]]:
    """Every ledger from genesis, as ``guoku audit verify`` does it, on all cores: digests, chain,
    versions, double entry, floors at every event, one outcome a line, documents, signatures, and
    the read models against what their events give anew.

    Args:
        folder: where the verification may keep its files.
    """
    tasks = [
        Task(
            conninfo=conninfo,
            charts=(),
            ledger_id=parse_ledger(ledger),
            options=Options(folder=folder / ledger),
            projections=not is_standing(parse_ledger(ledger)),  # they have no read models
        )
        for ledger in ledgers
    ]
    for report in verify_all(tasks, progress):
        checked = ", ".join(f"{name} {count:,}" for name, count in sorted(report.counts.items()))
        first = first_of(report.findings)
        seen = checked if first is None else f"{first.position}: {first.detail}"
        yield ledger_text(report.ledger_id), Check("全链核验", seen, first is None)


def check_banks(simulators: Path, asked: Mapping[str, DivisionFigures]) -> Iterator[Check]:
    """The agent bank's and the central bank's own books against all divisions together.

    Args:
        simulators: the directory of their books.
    """
    vouchers, paid_fen, owed = _book(simulators / "bank" / BANK)
    yield same(
        "代理银行笔数",
        {"国库": sum(figures.payments for figures in asked.values()), "银行": vouchers},
        str,
    )
    yield same(
        "代理银行金额",
        {"国库": sum(figures.paid_fen for figures in asked.values()), "银行": paid_fen},
    )
    _, settled_fen, claims_owed = _book(simulators / "pboc" / "1")
    yield same(
        "人民银行清算金额",
        {
            "支付+退款": sum(f.paid_fen + f.refunded_fen for f in asked.values()),
            "2301+2302": settled_fen,
        },
    )
    yield same("回单送达", {"应为": 0, "银行未送": owed, "人行未送": claims_owed}, str)


def _one(connection: psycopg.Connection, query: str, key: int) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), (key,)).fetchone()
    assert row is not None
    return row


def _closings(charts: Charts, days: list[tuple[Any, ...]]) -> dict[str, int]:
    """Closing balance of each account by its name, in fen, debit positive."""
    names = charts.on(YEAR_END).accounts
    closings: dict[str, int] = {}
    for _, account, debit_fen, credit_fen in days:
        name = names[account].name
        closings[name] = closings.get(name, 0) + debit_fen - credit_fen
    return closings


def _double_entry(charts: Charts, days: list[tuple[Any, ...]]) -> Iterator[Check]:
    """Every book balances, on every business day: seen on the day where it is furthest off."""
    books = {account.id: account.book for account in charts.on(days[0][0]).accounts.values()}
    by_day: dict[tuple[str, date], list[int]] = {}
    for day, account, debit_fen, credit_fen in days:
        sides = by_day.setdefault((books[account], day), [0, 0])
        sides[0] += debit_fen
        sides[1] += credit_fen
    for book in sorted({book for book, _ in by_day}):
        of_book = [sides for (name, _), sides in by_day.items() if name == book]
        off = max(of_book, key=lambda sides: abs(sides[0] - sides[1]))
        holds = off[0] == off[1]
        total_fen = sum(sides[0] for sides in of_book)
        seen = (
            f"{len(of_book)} 日, 发生额 {yuan(total_fen)}" if holds else f"借 {off[0]} 贷 {off[1]}"
        )
        yield Check(f"{book} 借贷平衡", seen, holds)


def _zero_balance(days: list[tuple[Any, ...]]) -> Check:
    """The zero-balance account at the end of every cleared day."""
    moved: dict[date, int] = {}
    for day, account, debit_fen, credit_fen in days:
        if account == ZERO_BALANCE_ACCOUNT:
            moved[day] = moved.get(day, 0) + debit_fen - credit_fen
    left = {day: fen for day, fen in sorted(moved.items()) if fen}
    seen = "; ".join(f"{day} 余 {yuan(fen)}" for day, fen in left.items())
    return Check("零余额账户日终为零", seen or f"{len(moved)} 日", not left)


def _book(directory: Path) -> tuple[int, int, int]:
    """Vouchers, fen paid, and receipts owed, of a simulated bank's book."""
    with closing(sqlite3.connect(directory / "book.sqlite")) as book:
        row: tuple[int, int, int] = book.execute(
            # what asks for money back has a number there, too, and is below zero
            "SELECT (SELECT count(*) FROM vouchers WHERE amount_fen >= 0),"
            " (SELECT coalesce(sum(amount_fen), 0) FROM vouchers WHERE amount_fen >= 0),"
            " (SELECT count(*) FROM receipts)"
        ).fetchone()
        return row

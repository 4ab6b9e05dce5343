"""``guoku demo --scale province``: a province's year, from its units and budget to closed books."""

from __future__ import annotations

import signal
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from rich.console import Console

    from api.demo.province.plan import Division
    from api.demo.province.processes import Meter
    from api.demo.province.stages import Board
    from api.demo.province.year import DivisionFigures
    from ledger.postgres.database import Database

GIB, BILLION_FEN = 2**30, 10**11


def province(console: Console, payments: int) -> bool:
    """Lives through the year and checks what came of it; whether everything holds."""
    from rich.live import Live

    from api.demo.province import plan
    from api.demo.province.living import live
    from api.demo.province.processes import Meter
    from api.demo.province.showing import LiveView
    from api.demo.province.stages import Board
    from api.demo.stack import persons, running_up
    from ledger.postgres.database import open_database
    from ledger.postgres.embedded import EmbeddedPostgres

    times: dict[str, float] = {}
    divisions = plan.province(payments)
    with ExitStack() as opened, _ended_by_signals():
        data = Path(opened.enter_context(TemporaryDirectory(prefix="guoku-demo-"))) / "data"
        with _timed(times, "启动"), console.status("启动嵌入式 Postgres、API、银行与人行模拟…"):
            server, url = opened.enter_context(running_up(data))
            stack = opened.enter_context(persons(data, url))
        console.print(
            f"[bold]国库 guoku[/bold] 运行于 {url} · {len(divisions)} 个账套, "
            f"{sum(d.units for d in divisions):,} 个单位, "
            f"{sum(d.indicators for d in divisions):,} 个指标, {payments:,} 笔支付"
        )
        board = Board()
        postmaster = EmbeddedPostgres(data).postmaster_pid()
        meter = opened.enter_context(Meter(server.pid, postmaster))
        with (
            _timed(times, "全年收支"),
            Live(LiveView(divisions, board, meter), console=console, refresh_per_second=4),
        ):
            asked = live(stack, divisions, board, lambda: None)
        database = opened.enter_context(open_database(dsn=None, data_dir=data, own=False))
        with _timed(times, "核对"):
            holds = checked(console, database, data / "simulators", divisions, asked)
        meter.sample()
        _summary(console, database, times, board, meter, asked)
    return holds


def checked(
    console: Console,
    database: Database,
    simulators: Path,
    divisions: list[Division],
    asked: Mapping[str, DivisionFigures],
    *,
    closed: date | None = None,
) -> bool:
    """Checks every ledger and both banks; shows what does not hold, and how much does.

    Args:
        closed: the last day of the months lived through; None for the whole year, handed over.
    """
    from rich.table import Table

    from api.demo.province.checks import (
        check_banks,
        check_histories,
        check_ledger,
        check_year_end,
    )
    from api.demo.province.plan import FISCAL_YEAR
    from ledger.account_set import STANDING_YEAR
    from ledger.books import load_charts
    from ledger.postgres.database import make_pool

    charts = load_charts(())
    names = {division.ledger: division.name for division in divisions}
    found = []
    with make_pool(database.app_conninfo, 1, 4, "guoku-demo") as pool, _bars(console) as told:
        for division in divisions:
            of = pool, charts, division.ledger, asked[division.ledger]
            checks = [*check_ledger(*of, closed), *([] if closed else check_year_end(*of))]
            found += [(division.name, check) for check in checks]
        folder = simulators.parent / "audit"
        if not closed:
            names |= {f"{d.code}-{FISCAL_YEAR + 1}": f"{d.name} 次年" for d in divisions}
        names |= {f"{d.code}-{STANDING_YEAR:04d}": f"{d.name} 基础信息" for d in divisions}
        for ledger, check in check_histories(database.app_conninfo, list(names), folder, told):
            found.append((names[ledger], check))
        found += [("全省", check) for check in check_banks(simulators, asked)]
    table = Table(title="核对关系 (金额: 元)")
    for name in ("账套", "关系", "数额", "结果"):
        table.add_column(name, overflow="fold")
    shown = [divisions[0].name, "全省"]
    for name, check in found:
        if name in shown or not check.holds:
            result = "相符" if check.holds else "[red]不符[/red]"
            table.add_row(name, check.name, check.seen, result)
    console.print(table)
    failing = sum(not check.holds for _, check in found)
    console.print(f"核对 {len(found)} 项, 不符 {failing} 项 (表中列第一个账套、全省及不符者)")
    return not failing


@contextmanager
def _bars(console: Console) -> Iterator[Callable[[int, str, int, int], None]]:
    """A bar for each stage of the verification, over all ledgers."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    from api.verification import STAGES

    standing: dict[tuple[int, str], tuple[int, int]] = {}
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress("核对 {task.description}", *columns, console=console, transient=True) as bars:
        tasks = {stage: bars.add_task(text, total=None) for stage, text in STAGES.items()}

        def told(ledger_id: int, stage: str, done: int, aim: int) -> None:
            standing[ledger_id, stage] = done, aim
            of_stage = [place for (_, name), place in standing.items() if name == stage]
            bars.update(
                tasks[stage],
                completed=sum(done for done, _ in of_stage),
                total=sum(aim for _, aim in of_stage),
            )

        yield told


def _summary(
    console: Console,
    database: Database,
    times: Mapping[str, float],
    board: Board,
    meter: Meter,
    asked: Mapping[str, DivisionFigures],
) -> None:
    from api.demo.province import stages
    from ledger.postgres.database import connect

    with connect(database.app_conninfo) as connection:
        row = connection.execute(
            "SELECT sum(position)::bigint, pg_database_size(current_database()) FROM ledgers"
        ).fetchone()
    assert row is not None
    events, size_bytes = row
    payments = sum(figures.payments for figures in asked.values())
    year_s = times["全年收支"]
    console.print(
        f"{payments:,} 笔支付, 申请 "
        f"{sum(f.applied_fen for f in asked.values()) / BILLION_FEN:,.2f} 十亿元; "
        f"失败 {sum(f.failing + f.partly_failing for f in asked.values()):,} 笔, "
        f"退款 {sum(f.refunds for f in asked.values()):,} 笔, "
        f"清算 {sum(f.clearings for f in asked.values()):,} 次"
    )
    console.print(
        f"{payments / year_s:,.0f} 笔/秒, {events:,} 个事件 ({events / year_s:,.0f} 个/秒), "
        f"数据库 {size_bytes / GIB:.2f} GiB ({size_bytes / payments:,.0f} 字节/笔), "
        f"内存峰值 {meter.peak_bytes / GIB:.2f} GiB"
    )
    console.print(
        "用时: " + ", ".join(f"{name} {spent_s:.1f} 秒" for name, spent_s in times.items())
    )
    console.print(
        "各账套各环节累计 (并行, 含等待): "
        + ", ".join(f"{stage.value} {board.spent_s[stage]:.1f} 秒" for stage in stages.STAGES)
    )
    total_s = sum(meter.cpu_s.values())
    console.print(
        "处理器时间: "
        + ", ".join(f"{kind} {spent_s:.1f} 秒" for kind, spent_s in meter.cpu_s.items())
        + f"; 合计 {total_s:.1f} 秒, 每笔 {total_s / payments * 1e6:,.0f} 微秒"
    )


@contextmanager
def _timed(times: dict[str, float], name: str) -> Iterator[None]:
    began = monotonic()
    yield
    times[name] = monotonic() - began


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does: everything that runs is stopped in order."""

    def end(signum: int, _frame: object) -> None:
        for ignored in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(ignored, signal.SIG_IGN)  # stopping is not interrupted
        raise SystemExit(128 + signum)

    before = {s: signal.signal(s, end) for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)

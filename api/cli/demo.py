"""``guoku demo``: the main job, end to end, with figures."""

from contextlib import ExitStack
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from api.demo.stack import Stack


TABLE_WIDTH_MIN = 150
PROVINCE_PAYMENTS = 430_000


class DemoScale(StrEnum):
    """How much is shown."""

    SMALL = "small"
    PROVINCE = "province"


def demo(
    scale: Annotated[
        DemoScale,
        typer.Option(
            help="small: one worked example, one county's month; province: a province's year."
        ),
    ] = DemoScale.SMALL,
    payments: Annotated[
        int,
        typer.Option(min=7, help="Of a province: how many payments; units go with them."),
    ] = PROVINCE_PAYMENTS,
) -> None:
    """Shows the main job through the API, against the simulated banks, and checks every identity.

    It starts a guoku of its own in a temporary directory and leaves nothing behind.
    """
    from rich.console import Console

    from api.demo.stack import running_stack

    console = Console()
    if console.width < TABLE_WIDTH_MIN:  # amounts are not to be broken over lines
        console = Console(width=TABLE_WIDTH_MIN)
    started = monotonic()
    if scale is DemoScale.PROVINCE:
        from api.cli.demo_province import province

        holds = province(console, payments)
        console.print(f"用时 {monotonic() - started:.1f} 秒")
        raise typer.Exit(0 if holds else 1)
    with ExitStack() as opened:
        with console.status("启动嵌入式 Postgres、API、银行与人行模拟…"):
            stack = opened.enter_context(running_stack())
        console.print(f"[bold]国库 guoku[/bold] 运行于 {stack.url}")
        holds = _worked_example(console, stack)
        holds = _county_month(console, stack) and holds
    console.print(f"用时 {monotonic() - started:.1f} 秒")
    if not holds:
        raise typer.Exit(1)


def _worked_example(console: "Console", stack: "Stack") -> bool:
    from rich.table import Table

    from api.demo import worked_example

    table = Table(title="算例: 从批复到清算 (元)")
    for name in ("日期", "业务", "指标金额", "可用指标", "可用计划", *worked_example.BOOK_ACCOUNTS):
        table.add_column(name, justify="left" if name in ("日期", "业务") else "right")
    with console.status("算例…") as status:
        for step in worked_example.run(stack):
            status.update(f"算例: {step.date} {step.act}")
            table.add_row(
                step.date, step.act, step.amount, step.available, step.plan, *step.accounts
            )
    console.print(table)
    console.print("超出可用指标的支付申请 250,001.00: 已拒绝 insufficient_indicator")
    return _identities(console, stack, worked_example.LEDGER)


def _county_month(console: "Console", stack: "Stack") -> bool:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    from api.demo import county_month
    from ledger.money import yuan

    started = monotonic()
    with Progress(
        "一个县的三月", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as bar:
        task = bar.add_task("", total=county_month.PAYMENTS)
        month = county_month.run(stack, lambda done: bar.advance(task, done))
    console.print(
        f"{county_month.UNITS} 个单位, {month.payments} 笔支付, 实付 {yuan(month.paid_fen)} 元, "
        f"含失败明细的支付 {month.failed_lines} 笔, 退款 {month.refunds} 笔, "
        f"清算 {month.clearings} 次, {monotonic() - started:.1f} 秒"
    )
    console.print(
        f"待分配 {county_month.HELD_AMT} 元, 已分配 {len(county_month.PARTS)} 个单位 "
        f"{yuan(month.distributed_fen)} 元 (FP-1)"
    )
    return _identities(console, stack, county_month.LEDGER)


def _identities(console: "Console", stack: "Stack", ledger: str) -> bool:
    from rich.table import Table

    from api.demo.books import identities

    table = Table(title="核对关系")
    table.add_column("关系")
    table.add_column("数额 (元)")
    table.add_column("结果")
    found = identities(stack.maker, ledger)
    for identity in found:
        table.add_row(identity.name, str(identity), "相符" if identity.holds else "[red]不符[/red]")
    console.print(table)
    return all(identity.holds for identity in found)

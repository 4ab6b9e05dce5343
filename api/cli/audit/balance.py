"""``guoku audit balance``: the books or an indicator as of any moment, and what came in late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.session import treasury
from api.cli.terminal import show_fields, show_table

if TYPE_CHECKING:
    from psycopg import Connection

    from ledger.books import Charts
    from projections.core.moments import Moment

At = Annotated[
    int | None, typer.Option(min=0, help="Known when the ledger stood here 已知到此位置")
]
Recorded = Annotated[
    str, typer.Option(help="Known at this time (RFC 3339 with its offset) 已知到此时")
]
Effective = Annotated[str, typer.Option(help="True for this business day (YYYY-MM-DD) 业务日期")]


def balance(
    ledger: Annotated[str, typer.Argument(help="The ledger, e.g. 440000000-2026.")],
    indicator: Annotated[str, typer.Option(help="This indicator instead of all accounts.")] = "",
    book: Annotated[str, typer.Option(help="Only this book, e.g. indicator.")] = "",
    as_of_position: At = None,
    as_of_recorded: Recorded = "",
    as_of_effective: Effective = "",
) -> None:
    """Shows the balances of any moment 时点余额, and what came in late for it 迟记.

    A position or a time says what was known; an effective date what was true for that day; the date
    may be given with either. Late is what was recorded after the moment and is effective before it.
    """
    from ledger.account_set import parse_ledger
    from ledger.errors import AccessError, Code
    from ledger.reading.objects import read_head
    from projections.core.moments import Moment, day_of, time_of
    from projections.core.runner import Runner

    moment = Moment(
        as_of_position,
        time_of(as_of_recorded, "as_of_recorded") if as_of_recorded else None,
        day_of(as_of_effective, "as_of_effective") if as_of_effective else None,
    )
    ledger_id = parse_ledger(ledger)
    with treasury() as core:
        with core.pool.connection() as connection:
            if read_head(connection, ledger_id) is None:
                raise AccessError(Code.LEDGER_NOT_FOUND, f"no ledger {ledger} has been opened")
        runner = Runner(core.pool)
        while runner.run_once([ledger_id]):
            pass
        with core.pool.connection() as connection:
            if indicator:
                _show_indicator(connection, ledger_id, indicator, moment)
            else:
                _show_books(connection, ledger_id, core.charts, book, moment)


def _show_books(
    connection: Connection, ledger_id: int, charts: Charts, book: str, moment: Moment
) -> None:
    from projections.trial_balance import trial_balance

    found = trial_balance(
        connection,
        ledger_id,
        charts,
        book=book or None,
        as_of_position=moment.position,
        as_of_recorded=moment.recorded,
        as_of_effective=moment.effective,
    )
    show_table(
        ("book", "acct_cls_code", "acct_cls_name", "debit", "credit", "closing", "side"),
        (
            (
                a["book"],
                a["acct_cls_code"] or a["acct_cls_id"],
                a["acct_cls_name"],
                a["debit"],
                a["credit"],
                a["closing"],
                "借" if a["dr_cr"] == 1 else "贷",
            )
            for a in found.accounts
        ),
    )
    typer.echo(f"截至位置 {found.position}", err=True)
    if found.late is None:
        return
    late = found.late
    typer.echo(_late(late.after_position, late.upto_position, late.effective_through), err=True)
    show_table(
        ("entries", "acct_cls_code", "acct_cls_name", "debit", "credit"),
        (
            ("迟记", a.acct_cls_code or a.acct_cls_id, a.acct_cls_name, a.debit, a.credit)
            for a in late.accounts
        ),
        name="late",
    )


def _show_indicator(connection: Connection, ledger_id: int, bgt_id: str, moment: Moment) -> None:
    import msgspec

    from api.http.late_entries import late_figures
    from ledger.errors import Code, Refusal
    from projections.indicator_past import past_indicator

    past = past_indicator(connection, ledger_id, bgt_id, moment)
    if past is None:
        raise Refusal(Code.INDICATOR_NOT_FOUND, f"no indicator {bgt_id!r}", bgt_id=bgt_id)
    figures = msgspec.structs.asdict(past.balances.figures())
    pending = [("pending_amt", amt)] if (amt := past.indicator.pending_amt) else []
    show_fields([("bgt_id", bgt_id), ("position", past.position), *pending, *figures.items()])
    if late := late_figures(past.reach.late, past.late):
        typer.echo(_late(late.after_position, late.upto_position, late.effective_through), err=True)
        names = (name for name in figures if hasattr(late, name))
        show_fields((f"late_{name}", getattr(late, name)) for name in names)


def _late(after: int, upto: int, through: str) -> str:
    return f"迟记: 位置 {after} 之后至 {upto} 入账、业务日期不晚于 {through} 的分录"

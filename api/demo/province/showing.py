"""What the demo shows while it runs and at its end; Chinese, for a terminal."""

from collections.abc import Sequence
from time import monotonic

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from api.demo.budget import Preparing
from api.demo.province.plan import Division
from api.demo.province.processes import Meter
from api.demo.province.stages import Board, Stage

PREPARED = (Preparing.PROJECTS, Preparing.DRAFTS, Stage.INDICATORS)
SHOWN = (Stage.APPLYING, Stage.APPROVING, Stage.SIGNING, Stage.PAYING)
BAR_WIDTH = 24
MIB = 2**20


class LiveView:
    """The live view of all divisions: how much has passed each stage."""

    def __init__(self, divisions: Sequence[Division], board: Board, meter: Meter) -> None:
        self._divisions, self._board, self._meter = divisions, board, meter
        self._began = monotonic()

    def __rich__(self) -> RenderableType:
        table = Table(box=None, pad_edge=False)
        table.add_column("账套")
        for stage in (*PREPARED, *SHOWN):
            table.add_column(stage.value, justify="right", min_width=8)
        table.add_column("清算", justify="right")
        table.add_column("已结月", justify="right")
        table.add_column("进度", min_width=BAR_WIDTH)
        for division in self._divisions:
            of = self._board.by_division.get(division.code, {})
            done = of.get(Stage.PAYING, 0)
            table.add_row(
                division.name,
                *(f"{of.get(stage, 0):,}" for stage in (*PREPARED, *SHOWN)),
                str(of.get(Stage.CLEARING, 0)),
                str(of.get(Stage.CLOSING, 0)),
                ProgressBar(division.payments, done, width=BAR_WIDTH),
            )
        return Group(table, self._foot())

    def _foot(self) -> Text:
        elapsed_s = monotonic() - self._began
        paid = self._board.moved[Stage.PAYING]
        total = sum(division.payments for division in self._divisions)
        return Text(
            f"{elapsed_s:.0f} 秒 · 已付 {paid:,} / {total:,} 笔 · {paid / elapsed_s:,.0f} 笔/秒 · "
            f"内存 {self._meter.memory_bytes / MIB:,.0f} MiB (峰值 "
            f"{self._meter.peak_bytes / MIB:,.0f})",
            style="bold",
        )

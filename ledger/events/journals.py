"""记账凭证: the entries of an event in every book it touches."""

from typing import ClassVar

import msgspec

from ledger.events.base import Event, Traits, Yuan
from ledger.events.registry import register


class Line(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """A journal line ``[account, dr_cr, amount]``; dr_cr is 1 debit, -1 credit.

    ``bgt_id`` stands only where it differs from the journal's own.
    """

    account: str
    dr_cr: int
    amt: Yuan
    bgt_id: str = ""


class JournalPosted(Event, frozen=True, kw_only=True):
    """The entry of every book that the event at position ``source`` gives rise to (平行记账).

    ``chart_version``, stored as ``rule``, is that of charts and rules; ``red_flag`` 1 marks a
    reversal (红冲). ``line_codes`` are the elements of each line where the event gave its lines
    itself; () where a rule made them.
    """

    TYPE: ClassVar[str] = "journal.posted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="", moves=("indicator",), step="journals", title="记账"
    )
    source: int
    event: str
    chart_version: str = msgspec.field(name="rule")
    number: str
    bgt_id: str = ""
    fund_type_code: str = ""
    red_flag: int = 0
    lines: tuple[Line, ...]
    line_codes: tuple[dict[str, str], ...] = ()


class PostedView(msgspec.Struct, frozen=True, gc=False):
    """Of ``JournalPosted`` what double entry and registers need."""

    source: int
    chart_version: str = msgspec.field(name="rule")
    lines: list[Line]
    bgt_id: str = ""


register(
    JournalPosted,
)

"""基础信息引用: as of which position of the standing ledgers a year's ledger decides.

A decision rests on what its own ledger says and on what the standing ledgers of its division say.
So that it can be taken again, the year's ledger notes their heads before the first decision that
knows more than was noted; and a standing ledger that was rewritten afterwards does not lead to the
chain that a year has noted of it.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from ledger.account_set import parse_ledger
from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.events import Event, StandingHead, StandingNoted


class Noted(msgspec.Struct, frozen=True):
    """The position noted of each standing ledger, by its name."""

    positions: Mapping[str, int] = {}


def _fold(noted: Noted, event: Event) -> Noted:
    if isinstance(event, StandingNoted):
        return Noted({**noted.positions, **{h.ledger: h.position for h in event.heads}})
    return noted


NOTED = declare(Setting("noted", Noted(), _fold))


class NoteStanding(Command, frozen=True, kw_only=True):
    """Notes where standing ledgers stand; asked by the write path itself."""

    OPERATION: ClassVar[str] = "standing.note"
    heads: tuple[StandingHead, ...]

    def decide(self, state: LedgerState, by: str) -> Decision:
        # point of no return
        return Decision(
            events=[(None, "", StandingNoted(heads=self.heads))], effective_on=state.today
        )


def noted_positions(state: LedgerState) -> dict[int, int]:
    """The position of each standing ledger that the ledger has noted, by the store's key."""
    positions = state.settings.get(NOTED).positions
    return {parse_ledger(ledger): position for ledger, position in positions.items()}

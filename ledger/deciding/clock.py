"""对时: the way out where a ledger's last event was recorded ahead of its time.

Recorded times never go back but in one place: behind the events that were recorded while a clock
was ahead stands the event that says so, with the right time, and from there on time goes on. What
was recorded ahead stays as it is; its true time lies between the event before it and this one.
"""

from typing import ClassVar

from ledger.deciding.command import Command
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, GuokuError, Refusal
from ledger.events import ClockCorrected
from ledger.integrity.chain import moment_of


class CorrectClock(Command, frozen=True, kw_only=True):
    """Puts on record that the ledger's last event, at ``position``, lies ahead of both clocks.

    The position is the one that the operator has seen, so that nothing else is corrected.
    """

    OPERATION: ClassVar[str] = "clock.correct"
    KEEPS_REFUSAL: ClassVar[bool] = False
    MENDS: ClassVar[Code | None] = Code.CLOCK_SKEWED
    position: int
    reason: str

    @property
    def number(self) -> str:
        return str(self.position)

    @classmethod
    def number_in(cls, event: ClockCorrected) -> str:
        return str(event.position)

    def decide(self, state: LedgerState, by: str) -> Decision:
        if not state.corrects_clock:
            raise Refusal(Code.INVALID_STATE, "no event of the ledger lies ahead of the clocks")
        if state.position != self.position:
            # nothing goes on record before the correction: its time would go back
            raise GuokuError(
                Code.INVALID_STATE, f"the last event is {state.position}, not {self.position}"
            )
        # point of no return
        corrected = ClockCorrected(
            position=self.position,
            recorded_at=moment_of(state.ahead_us).isoformat(),
            reason=self.reason,
            by=by,
        )
        return Decision(events=[(None, "", corrected)], effective_on=state.today)

"""认可丢失: what of a history was lost, put on record by whoever answers for it.

After a restore or a failover that lost commits, events that were acknowledged are gone. Nothing
brings them back; but that they are gone, and which, belongs to the history that goes on.
"""

from typing import ClassVar

import msgspec

from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, LossAccepted


class Loss(msgspec.Struct, frozen=True):
    """Positions ``first`` to ``last`` of a ledger, named as outside, that were lost."""

    ledger: str
    first: int
    last: int


class Losses(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last epoch that a ledger knows of, and every loss that was accepted in its stream."""

    epoch: int = 0
    epoch_name: str = ""
    accepted: tuple[Loss, ...] = ()

    def explain(self, ledger: str, size: int) -> bool:
        """Whether a memory of that many events is of something that is known to be lost."""
        return any(
            loss.ledger == ledger and loss.first <= size <= loss.last for loss in self.accepted
        )


def _fold(losses: Losses, event: Event) -> Losses:
    if not isinstance(event, LossAccepted):
        return losses
    accepted = losses.accepted
    if event.last_position:
        accepted += (Loss(event.ledger, event.first_position, event.last_position),)
    return Losses(event.epoch, event.epoch_name, accepted)


LOSSES = declare(Setting("losses", Losses(), _fold))


class AcceptLoss(Command, frozen=True, kw_only=True):
    """Says what was lost of ``ledger``, and begins an epoch; see :class:`LossAccepted`."""

    OPERATION: ClassVar[str] = "loss.accept"
    KEEPS_REFUSAL: ClassVar[bool] = False
    ledger: str
    epoch: int
    epoch_name: str
    first_position: int = 0
    last_position: int = 0
    root: str = ""
    source: str = ""
    reason: str

    @property
    def number(self) -> str:
        return f"{self.epoch_name}/{self.ledger}"

    @classmethod
    def number_in(cls, event: LossAccepted) -> str:
        return f"{event.epoch_name}/{event.ledger}"

    def decide(self, state: LedgerState, by: str) -> Decision:
        if self.epoch <= state.settings.get(LOSSES).epoch and (
            self.epoch_name != state.settings.get(LOSSES).epoch_name
        ):
            raise Refusal(Code.INVALID_STATE, f"epoch {self.epoch} has begun before")
        # point of no return
        accepted = LossAccepted(
            ledger=self.ledger,
            epoch=self.epoch,
            epoch_name=self.epoch_name,
            first_position=self.first_position,
            last_position=self.last_position,
            root=self.root,
            source=self.source,
            reason=self.reason,
            by=by,
        )
        return Decision(events=[(None, "", accepted)], effective_on=state.today)

"""What may run in the background of the API, as far as the API asks it something."""

from collections.abc import Sequence
from typing import Protocol

from ledger.sealing.cosigner import Cosigner
from ledger.sealing.sealer import Sealer
from payments.delivery.dispatcher import Dispatcher
from projections.core.runner import Runner


class BackgroundPart(Protocol):
    """A program of ours that runs beside the server, or what this one is to put on record."""

    def fault(self) -> str | None:
        """Why it does not run, or is not on record; or None."""
        ...


class Background(Protocol):
    """What runs in this process; None for what runs elsewhere."""

    runner: Runner | None
    dispatcher: Dispatcher | None
    sealer: Sealer | None

    @property
    def cosigners(self) -> Sequence[Cosigner]: ...
    @property
    def children(self) -> Sequence[BackgroundPart]: ...
    @property
    def recordings(self) -> Sequence[BackgroundPart]: ...

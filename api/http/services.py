"""What all requests share: the core, and what of it is under way."""

from prometheus_client import CollectorRegistry

from api.http.admission import Admission
from api.http.answers import Answers
from api.http.authentication import Callers
from api.http.parts import Parts
from api.http.reading import Reads
from api.http.singles import Singles
from api.treasury import Treasury
from ledger.deciding.command import Outcome


class Services:
    """What all requests share.

    Attributes:
        parts: what runs beside the API in this process.
        admission: how much is under way: commands at the sequencer, bytes of bodies.
        answers: brings the sequencer's answers to the event loop.
        singles: submits single commands, together with others of the same moment.
        document, docs: the OpenAPI document and its page for reading.
    """

    def __init__(self, treasury: Treasury, parts: Parts | None = None) -> None:
        self.treasury = treasury
        self.parts = parts
        self.reads = Reads(treasury.pool)
        self.callers = Callers(self.reads)
        self.registry = CollectorRegistry()
        self.known_ledgers: set[int] = set()
        self.live_streams = 0
        self.answers: Answers[list[Outcome]] = Answers()
        self.admission = Admission(
            body_bytes_max=treasury.settings.body_bytes_max,
            commands_max=treasury.settings.commands_max,
            ledger_commands_max=treasury.settings.ledger_commands_max,
        )
        self.singles = Singles(treasury.sequencer, self.answers, self.admission)
        self.document = b""
        self.docs = b""

    def hasten_projector(self, key: int) -> None:
        """Tells the projector in this process, if there is one, that a reader waits."""
        if self.parts is not None and self.parts.runner is not None:
            self.parts.runner.hasten(key)

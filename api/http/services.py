"""What all requests share: the core, and what of it is under way."""

from prometheus_client import CollectorRegistry

from api.exchange import message_intake
from api.http.authentication import SessionCallers, TokenCallers
from api.http.denials import Denials
from api.http.live import LiveEvents
from api.http.logins import Logins
from api.http.strangers import StrangerBounds, Strangers
from api.http.transport.background import Background
from api.http.transport.capacity import Capacity
from api.http.transport.connections import Bounds, Connections
from api.http.transport.grouping import Grouping
from api.http.transport.read_threads import ReadThreads, SharedAnswer
from api.http.transport.turns import Turns
from api.http.transport.wake_up import WakeUp
from api.treasury import Treasury
from api.webhooks.secrets import WebhookKeys
from division.own_key_login import OwnKeyLogin
from division.sessions import SessionKeys, Sessions
from ledger.deciding.command import Outcome

OPERATIONS_AT_ONCE = 2  # that are no direct ones, before the event loop comes round


class Services:
    """What all requests share.

    Attributes:
        background: what runs beside the API in this process.
        callers, session_callers: who asks, by a token or by a session.
        logins: those under way, and how they ended.
        capacity: how much is under way: commands at the sequencer, bytes of bodies.
        strangers: what is done for those who have no token.
        connections: those that the server holds.
        denials: which denied rights a ledger keeps.
        wake_up: brings the sequencer's answers to the event loop.
        live: the live event streams.
        turns: of those who ask for ordinary operations, by caller.
        grouping: submits single commands, together with others of the same moment.
    """

    def __init__(self, treasury: Treasury, background: Background | None = None) -> None:
        self.treasury = treasury
        self.background = background
        self.read_threads = ReadThreads(treasury.pool)
        self.registry = CollectorRegistry()
        self.callers = TokenCallers(self.read_threads)
        session_keys = SessionKeys(treasury.keys, treasury.provider)
        self.sessions = Sessions(session_keys, treasury.settings.session_bounds)
        self.own_key_login = OwnKeyLogin(treasury.keys, treasury.provider, session_keys)
        self.session_callers = SessionCallers(self.read_threads, self.sessions)
        self.logins = Logins(self.registry)
        self.webhook_keys = WebhookKeys(treasury.keys, treasury.provider)
        self.message_intake = message_intake(treasury)
        self.denials = Denials(self.registry)
        settings = treasury.settings
        self.strangers = Strangers(
            self.registry,
            StrangerBounds(
                of_address=settings.address_per_s,
                of_all=settings.strangers_per_s,
                of_known_address=settings.known_address_per_s,
            ),
        )
        self.connections = Connections(
            Bounds(
                connections=treasury.settings.connections_max,
                head_timeout_s=treasury.settings.head_timeout_s,
                body_timeout_s=treasury.settings.body_timeout_s,
            )
        )
        self.known_ledgers: set[int] = set()
        self.readiness: SharedAnswer[tuple[list[str], list[str]]] = SharedAnswer(self.read_threads)
        self.figures: SharedAnswer[bytes] = SharedAnswer(self.read_threads)
        self.live = LiveEvents(treasury.pool, self.read_threads)
        treasury.sequencer.on_commit(self.live.wake)
        self.wake_up: WakeUp[list[Outcome]] = WakeUp()
        self.capacity = Capacity(
            body_bytes_max=treasury.settings.body_bytes_max,
            commands_max=treasury.settings.commands_max,
            ledger_commands_max=treasury.settings.ledger_commands_max,
            caller_requests_max=treasury.settings.caller_requests_max,
        )
        self.turns = Turns(OPERATIONS_AT_ONCE)
        self.grouping = Grouping(treasury.sequencer, self.wake_up, self.capacity)

    def hasten_projector(self, key: int) -> None:
        """Tells the projector in this process, if there is one, that a reader waits."""
        if self.background is not None and self.background.runner is not None:
            self.background.runner.hasten(key)

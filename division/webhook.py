"""推送地址: where the events of a division's ledgers are brought, and that they are no more.

What leaves the house is decided here, so it is on record, and another person agrees to it. A
webhook gets what whoever registered it may read, for as long as he may: that is looked up when it
is delivered (``api/webhooks/positions.py``). The secret that it shares with its receiver is no
event.
"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import msgspec

from division.webhook_events import WebhookEnded, WebhookRegistered
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import Kind
from ledger.deciding.principals import folded
from ledger.deciding.state import Decision, LedgerState
from ledger.deciding.tables import ObjectTable, TableRow
from ledger.errors import Code, Refusal, RequestError
from ledger.events import TYPES, Event

ALL_TYPES = "*"
TYPES_MAX = 200
URL_CHARACTERS_MAX = 300

_NUMBER = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)
_VERSION = "@"  # behind the name of a type that was changed


class WebhookId(NamedTuple):
    """Which webhook of which standing ledger, and who registered it: two of one number, one of
    which was not agreed to, are two."""

    home_id: int
    webhook_no: str
    principal_key: str


class Webhook(msgspec.Struct, frozen=True):
    """An address, the types of events that go there, and whose rights say of which ledgers.

    Attributes:
        division: prefix of the divisions' codes in which he registered it.
        principal: who did.
        ended_at: "" while it is there.
    """

    webhook_no: str
    url: str
    types: tuple[str, ...]
    division: str
    principal: str
    registered_at: str
    ended_at: str = ""


def fold(webhook: Webhook | None, event: Event) -> Webhook | None:
    match event:
        case WebhookRegistered():
            return Webhook(
                event.webhook_no,
                event.url,
                event.types,
                event.division,
                event.by,
                event.registered_at,
            )
        case WebhookEnded() if webhook is not None and not webhook.ended_at:
            return msgspec.structs.replace(webhook, ended_at=event.ended_at)
        case _:
            return webhook


def _rows(ledger_id: int, webhook: Webhook) -> Iterable[TableRow]:
    yield (
        ledger_id,
        webhook.webhook_no,
        webhook.url,
        webhook.types,
        webhook.division,
        folded(webhook.principal),
        webhook.registered_at,
        webhook.ended_at or None,
    )


WEBHOOKS = ObjectTable(
    name="webhooks",
    columns=(
        ("ledger_id", "bigint"),
        ("webhook_no", "text"),
        ("url", "text"),
        ("types", "text[]"),
        ("division", "text"),
        ("principal_key", "text"),
        ("registered_at", "timestamptz"),
        ("ended_at", "timestamptz"),
    ),
    key=2,
    rows=_rows,
)
WEBHOOK: Kind[Webhook] = Kind(
    name="webhook", opened_by="webhook.register", fold=fold, tables=(WEBHOOKS,)
)


class RegisterWebhook(Command, frozen=True, kw_only=True):
    """Has events brought to an address, from those that are committed after this one on."""

    OPERATION: ClassVar[str] = "webhook.register"
    APPROVABLE: ClassVar[bool] = True
    UNLESS_SAID: ClassVar[tuple[str, ...]] = ("security_officer",)
    KIND = WEBHOOK
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "事件推送"
    NUMBER: ClassVar[str] = "webhook_no"
    webhook_no: str
    url: str
    types: tuple[str, ...]
    division: str

    def check(self) -> None:
        """Raises RequestError for what is no number, address or list of types."""
        if not _NUMBER.fullmatch(self.webhook_no):
            raise _malformed("webhook_no is 1 to 64 letters, digits, . _ or -", "/webhook_no")
        check_address(self.url)
        if not self.types or len(self.types) > TYPES_MAX or len(set(self.types)) < len(self.types):
            raise _malformed(f"1 to {TYPES_MAX} types, each once, or {ALL_TYPES}", "/types")
        known = {*TYPES, *(name.partition(_VERSION)[0] for name in TYPES)}
        for index, name in enumerate(self.types):
            if name != ALL_TYPES and name not in known:
                raise _malformed(f"there is no event {name[:60]!r}", f"/types/{index}")

    def decide(self, state: LedgerState, by: str) -> Decision:
        # point of no return
        registered = WebhookRegistered(
            webhook_no=self.webhook_no,
            url=self.url,
            types=self.types,
            division=self.division,
            registered_at=state.now.isoformat(),
            by=by,
        )
        return _decision(state, self.webhook_no, registered)


class EndWebhook(Command, frozen=True, kw_only=True):
    """Has nothing more brought to an address."""

    OPERATION: ClassVar[str] = "webhook.end"
    APPROVABLE: ClassVar[bool] = True
    KIND = WEBHOOK
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "事件推送"
    NUMBER: ClassVar[str] = "webhook_no"
    webhook_no: str

    def needs(self) -> Iterable[Need]:
        return ((WEBHOOK, self.webhook_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        webhook = state.get(WEBHOOK, self.webhook_no)
        if webhook is None:
            raise Refusal(Code.NOT_FOUND, f"no webhook {self.webhook_no!r} is registered here")
        if webhook.ended_at:
            raise Refusal(Code.INVALID_STATE, "the webhook has ended before")
        # point of no return
        ended = WebhookEnded(webhook_no=self.webhook_no, ended_at=state.now.isoformat(), by=by)
        return _decision(state, self.webhook_no, ended)


def check_address(url: str) -> None:
    """Raises RequestError, ``malformed``, for what nothing can be posted to."""
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        raise _malformed("it is no address", "/url") from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not port_is_sound
        or len(url) > URL_CHARACTERS_MAX
        or not url.isascii()
        or any(character.isspace() or not character.isprintable() for character in url)
    ):
        raise _malformed("a webhook is an http(s) address in ASCII", "/url")
    if "@" in parts.netloc or parts.fragment:
        raise _malformed("a webhook's address has neither user nor fragment", "/url")


def wanted(types: Iterable[str], type_name: str) -> bool:
    """Whether an event of this type is among those; a type goes with all its versions."""
    names = {ALL_TYPES, type_name, type_name.partition(_VERSION)[0]}
    return not names.isdisjoint(types)


def _malformed(detail: str, pointer: str) -> RequestError:
    return RequestError(Code.MALFORMED, detail, pointer=pointer)


def _decision(state: LedgerState, webhook_no: str, event: Any) -> Decision:
    return Decision(events=[(WEBHOOK, webhook_no, event)], effective_on=state.today)

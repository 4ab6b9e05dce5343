"""What happens to webhooks 推送地址."""

from typing import ClassVar

from ledger.events import Event, Traits, register


class WebhookRegistered(Event, frozen=True, kw_only=True):
    """Events of these types are brought to this address, of the ledgers that ``by`` may read in the
    divisions whose codes begin so."""

    TYPE: ClassVar[str] = "webhook.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="webhook", asked_by="webhook.register", title="推送地址登记"
    )
    webhook_no: str
    url: str
    types: tuple[str, ...]
    division: str
    registered_at: str
    by: str


class WebhookEnded(Event, frozen=True, kw_only=True):
    """Nothing more is brought there."""

    TYPE: ClassVar[str] = "webhook.ended"
    TRAITS: ClassVar[Traits] = Traits(subject="webhook", asked_by="webhook.end", title="推送终止")
    webhook_no: str
    ended_at: str
    by: str


register(WebhookRegistered, WebhookEnded)

"""A delivery: an event as a CloudEvent 1.0, with the headers of Standard Webhooks.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

``webhook-id`` says the same whenever an event is delivered, so a receiver knows what he has.
What is signed is ``id.timestamp.body``, by HMAC-SHA256 as receivers of Standard Webhooks expect it,
and by SM2 with a key of the server, which the receiver cannot have made himself.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from standardwebhooks import Webhook as Hmac

from api.event_text import event_json
from ledger.account_set import ledger_text
from ledger.reading.objects import StoredRow

TYPE_PREFIX = "guoku."
SM2_SIGNATURE, SM2_KEY = "guoku-signature", "guoku-key"
MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with

Sign = Callable[[bytes], bytes]


class WebhookMessage(NamedTuple):
    """What is sent: headers and body."""

    headers: list[tuple[bytes | str, bytes | str]]
    body: bytes


class MessageWriter:
    """Writes deliveries of one webhook.

    Args:
        secret: ``whsec_`` and base64, which the receiver has, too.
        sign: SM2 over bytes, by the key named ``key_name``.
    """

    def __init__(self, secret: str, sign: Sign, key_name: str) -> None:
        self._hmac = Hmac(secret)
        self._sign = sign
        self._key_name = key_name

    def delivery(self, ledger_id: int, row: StoredRow, now: datetime) -> WebhookMessage:
        """An event as it is sent at this moment."""
        body = cloud_event(ledger_id, row)
        message_id = f"{ledger_text(ledger_id)}.{row.position}"
        at = now.astimezone(UTC)
        timestamp = str(int(at.timestamp()))
        signed = f"{message_id}.{timestamp}.".encode() + body
        headers: list[tuple[bytes | str, bytes | str]] = [
            ("content-type", MEDIA_TYPE),
            ("user-agent", "guoku-webhooks"),
            ("webhook-id", message_id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", self._hmac.sign(message_id, at, body.decode())),
            (SM2_SIGNATURE, base64.b64encode(self._sign(signed)).decode("ascii")),
            (SM2_KEY, self._key_name),
        ]
        return WebhookMessage(headers, body)


def cloud_event(ledger_id: int, row: StoredRow) -> bytes:
    """The event in the JSON format of CloudEvents; ``data`` is what ``GET …/events`` has of it, the
    payload byte for byte as it was hashed."""
    ledger = ledger_text(ledger_id)
    head = msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": f"{ledger}.{row.position}",
            "source": f"urn:guoku:ledger:{ledger}",
            "type": TYPE_PREFIX + row.type,
            "subject": str(row.stream_id),
            "time": row.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "datacontenttype": "application/json",
        }
    )
    return head[:-1] + b',"data":' + event_json(row) + b"}"

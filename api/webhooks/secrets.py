"""The secret that a webhook shares with its receiver, and the key that signs beside it.

A secret that nobody has brought is made of a key in the server's key store and of what the webhook
is, so it stands nowhere. One that a caller brings is sealed with a key made likewise: moved to
another webhook it cannot be opened.
"""

import base64
import binascii
from threading import Lock

import psycopg

from api.webhooks.messages import SECRET_PREFIX
from division.webhook import WebhookId
from ledger.errors import Code, ConfigurationError, RequestError
from ledger.gm import PrivateKey, Provider, PublicKey
from ledger.gm.keystore import KeyStore
from ledger.gm.provider import SM4_BLOCK_BYTES
from ledger.gm.sealed import ITERATIONS_MIN, SALT_BYTES, SealKey, hmac_sm3, seal, unseal
from ledger.verification.checks import dispose

SIGNING_KEY = "guoku/webhooks"
SECRETS_KEY = "guoku/webhook-secrets"
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64  # as the specification has it

dispose("webhook_secrets", "sealed; without one the receiver refuses what comes, and says so")

_FIND = (
    "SELECT sealed FROM webhook_secrets"
    " WHERE home_id = %s AND webhook_no = %s AND principal_key = %s"
)
_KEEP = (
    "INSERT INTO webhook_secrets (home_id, webhook_no, principal_key, sealed)"
    " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
)


class WebhookKeys:
    """Secrets of webhooks, and SM2 signatures over deliveries; safe between threads.

    Its keys are put into the key store when they are first needed.
    """

    def __init__(self, keys: KeyStore, provider: Provider) -> None:
        self._keys = keys
        self._provider = provider
        self._lock = Lock()
        self._made: tuple[bytes, PrivateKey] | None = None

    def public_key(self) -> PublicKey:
        """Of the key that signs deliveries."""
        return self._provider.public_key(self._own()[1])

    def sign(self, data: bytes) -> bytes:
        """SM2 over these bytes, DER."""
        return self._provider.sign(self._own()[1], data)

    def secret(self, connection: psycopg.Connection, webhook: WebhookId) -> str:
        """The webhook's secret: ``whsec_`` and base64.

        Raises:
            ConfigurationError: one was brought, and is not what was sealed, or not with this key.
        """
        row = connection.execute(_FIND, webhook).fetchone()
        if row is None:
            own = self._derived(webhook, b"secret")
            return SECRET_PREFIX + base64.b64encode(own).decode("ascii")
        return unseal(self._provider, self._seal_key(webhook), row[0]).decode("ascii")

    def keep(self, connection: psycopg.Connection, webhook: WebhookId, secret: str) -> None:
        """Keeps a secret that was brought.

        Raises:
            RequestError: ``malformed`` for what is none; ``idempotency_conflict``: he has brought
                another one for this number.
        """
        check_secret(secret)
        sealed = seal(self._provider, self._seal_key(webhook), secret.encode("ascii"))
        kept = connection.execute(_KEEP, (*webhook, sealed)).rowcount
        if not kept and self._kept(connection, webhook) != secret:
            raise RequestError(
                Code.IDEMPOTENCY_CONFLICT, "another secret was brought for this webhook_no"
            )

    def _kept(self, connection: psycopg.Connection, webhook: WebhookId) -> str:
        try:
            return self.secret(connection, webhook)
        except ConfigurationError:
            return ""

    def _seal_key(self, webhook: WebhookId) -> SealKey:
        return SealKey(
            bytes(SALT_BYTES),
            ITERATIONS_MIN,  # nothing is derived from a passphrase here
            self._derived(webhook, b"cipher")[:SM4_BLOCK_BYTES],
            self._derived(webhook, b"mac"),
        )

    def _derived(self, webhook: WebhookId, purpose: bytes) -> bytes:
        what = f"guoku webhook 1 {webhook.home_id} {webhook.webhook_no} {webhook.principal_key} "
        return hmac_sm3(self._provider, self._own()[0], what.encode() + purpose)

    def _own(self) -> tuple[bytes, PrivateKey]:
        with self._lock:
            if self._made is None:
                for name in (SECRETS_KEY, SIGNING_KEY):
                    self._keys.create(name)
                root = self._keys.private_key(SECRETS_KEY).secret
                self._made = root, self._keys.private_key(SIGNING_KEY)
            return self._made


def check_secret(secret: str) -> None:
    """Raises RequestError, ``malformed``, for what is no secret of Standard Webhooks."""
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        size = len(base64.b64decode(encoded.encode("ascii"), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if encoded == secret or not SECRET_BYTES_MIN <= size <= SECRET_BYTES_MAX:
        detail = (
            f"a secret is {SECRET_PREFIX} and base64 of {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX}"
            " random bytes"
        )
        raise RequestError(Code.MALFORMED, detail, pointer="/secret")

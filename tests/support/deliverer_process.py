"""A deliverer in a process of its own, that can be killed: DSN, key store and passphrase."""

import sys
import time

from api.webhooks.deliverer import DeliveryPolicy, WebhookDeliverer
from api.webhooks.receivers import Receivers
from api.webhooks.secrets import WebhookKeys
from ledger.gm import default_provider
from ledger.gm.keystore import KeyStore
from ledger.postgres.database import make_pool


def main(conninfo: str, keystore: str, passphrase: str) -> None:
    provider = default_provider()
    keys = WebhookKeys(KeyStore(keystore, passphrase), provider)
    with make_pool(conninfo, 1, 6, "webhooks") as pool:
        receivers = Receivers(timeout_s=5.0, allows_private=True)
        policy = DeliveryPolicy(attempts_max=20, first_pause_s=0.02, pause_s_max=1.0)
        WebhookDeliverer(pool, keys, receivers, policy).start()
        print("started", flush=True)
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The key store of an installation, under the passphrase that its settings say."""

from api.settings import Settings
from ledger.gm.keystore import KeyStore
from ledger.gm.sealed import ITERATIONS, ITERATIONS_MIN


def key_store_of(settings: Settings) -> KeyStore:
    """The store, whose file need not be there yet.

    A passphrase that a person has thought of is stretched, so that guessing it takes long. One that
    was made of 256 random bits is guessed by nobody; to stretch it took each process that opens the
    store a third of a second.
    """
    chosen = settings.keystore_passphrase is not None
    return KeyStore(
        settings.keystore_path,
        settings.passphrase(),
        iterations=ITERATIONS if chosen else ITERATIONS_MIN,
    )

"""Where the key is: in a sealed file, or in a device whose maker implements the port."""

import importlib
from typing import Protocol, cast

from ledger.errors import ConfigurationError
from ledger.gm import Provider, PublicKey
from ledger.gm.keystore import KeyStore

__all__ = ["KeyFileDevice", "SigningDevice", "device_named"]


class SigningDevice(Protocol):
    """The port for a UKey (SKF, GM/T 0016), a card (SDF, GM/T 0018) or whatever else has a key.

    Its key never leaves it. Every call may come from another thread, one at a time.
    """

    @property
    def public_key(self) -> PublicKey:
        """Of the signing pair: SKF_ExportPublicKey, SDF_ExportSignPublicKey_ECC."""
        ...

    def sign(self, content: bytes, digest: bytes) -> bytes:
        """DER of (r, s) over ``digest``, 32 bytes: e of ``content`` with the default identity.

        SKF_ECCSignData and SDF_InternalSign_ECC take ``digest``; a device that hashes by itself
        takes ``content``. What cannot be signed raises ConfigurationError, in words for the signer.
        """
        ...


class KeyFileDevice:
    """A key of a file that is sealed under a passphrase (``ledger.gm.keystore``).

    Raises:
        ConfigurationError: the passphrase is wrong, the file is damaged, or has no such key.
    """

    def __init__(self, keys: KeyStore, name: str, provider: Provider) -> None:
        self._key = keys.private_key(name)
        self._provider = provider
        self.public_key = provider.public_key(self._key)

    def sign(self, content: bytes, digest: bytes) -> bytes:
        return self._provider.sign(self._key, content)


def device_named(place: str) -> SigningDevice:
    """The device that ``module:function`` makes; raises ConfigurationError where it makes none."""
    module, _, function = place.partition(":")
    try:
        made = getattr(importlib.import_module(module), function)()
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise ConfigurationError(f"no device at {place!r}: {error}") from None
    if not (callable(getattr(made, "sign", None)) and hasattr(made, "public_key")):
        raise ConfigurationError(f"{place!r} makes no signing device")
    return cast("SigningDevice", made)

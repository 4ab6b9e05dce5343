"""National cryptography (国密): SM2 signatures, SM3 digests, the SM4 key store.

Callers take :func:`default_provider` and need not know what does the work; it has passed its
known-answer test before it is handed out.
"""

from ledger.gm.default import default_provider, self_test, sm3
from ledger.gm.keys import PrivateKey, PublicKey
from ledger.gm.keystore import KeyMissingError, KeyStore
from ledger.gm.provider import Provider

__all__ = [
    "KeyMissingError",
    "KeyStore",
    "PrivateKey",
    "Provider",
    "PublicKey",
    "default_provider",
    "self_test",
    "sm3",
]

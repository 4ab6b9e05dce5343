"""National cryptography (国密): SM2 signatures, SM3 digests, and what keys are kept in.

Callers take :func:`default_provider` and need not know what does the work; it has passed its
known-answer test before it is handed out. The key store is imported from ``ledger.gm.keystore``: it
waits for locks, which a decision that hashes must not even load.
"""

from ledger.gm.default import default_provider, self_test, sm3
from ledger.gm.keys import PrivateKey, PublicKey
from ledger.gm.provider import Provider

__all__ = [
    "PrivateKey",
    "Provider",
    "PublicKey",
    "default_provider",
    "self_test",
    "sm3",
]

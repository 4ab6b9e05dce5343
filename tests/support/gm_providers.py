"""Both providers of national cryptography, and a key whose signatures are known."""

import pytest

from ledger.gm import PrivateKey, PublicKey
from ledger.gm.gmssl_provider import GmsslProvider
from ledger.gm.keys import N
from ledger.gm.openssl import OpenSSLProvider
from ledger.gm.vectors import SM2_SIGNATURE as KNOWN

NATIVE, FALLBACK = OpenSSLProvider(), GmsslProvider()
KEY, PUBLIC_KEY = PrivateKey(KNOWN.private_key), PublicKey(KNOWN.public_key)
#: Scalars whose public keys begin with 04, which the gmssl package cuts off.
BEGINNING_04 = (11, 307)

both = pytest.mark.parametrize("provider", [NATIVE, FALLBACK], ids=["openssl", "gmssl"])


def key_of(scalar: int) -> PrivateKey:
    return PrivateKey((scalar % N).to_bytes(32))

"""The native provider: SM2, SM3 and SM4 of OpenSSL >= 3 through ctypes.

ctypes lets go of the interpreter lock while OpenSSL works, so threads sign in parallel. Nonces come
from OpenSSL's own generator for private values. Why this provider, and on which processors its time
does not depend on the nonce: docs/decisions/0003-sm2-provider.md.
"""

import ctypes
import hashlib
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from ledger.errors import Code, RequestError, UnavailableError
from ledger.gm import libcrypto
from ledger.gm.absorbing import absorb
from ledger.gm.keys import POINT_BYTES, SCALAR_BYTES, PrivateKey, PublicKey
from ledger.gm.libcrypto import Param
from ledger.gm.provider import (
    KEYS_CACHED_MAX,
    SM4_BLOCK_BYTES,
    DigestSigner,
    check_sm4,
    pad,
    unpad,
)
from ledger.gm.signature import SIGNATURE_BYTES_MAX, decode_signature, encode_signature

_SM3_BYTES = 32
_CIPHER_BYTES_MAX = 2**31 - 1 - SM4_BLOCK_BYTES  # EVP_CipherUpdate counts in C ints
_UNCOMPRESSED = 4  # POINT_CONVERSION_UNCOMPRESSED


class _Key:
    """An EVP_PKEY, freed with the last reference: a thread at work keeps an evicted key alive."""

    __slots__ = ("_free", "handle")

    def __init__(self, handle: int, free: Callable[[int], None]) -> None:
        self.handle = handle
        self._free = free

    def __del__(self) -> None:
        self._free(self.handle)


class OpenSSLProvider(DigestSigner):
    """SM2, SM3 and SM4 by one libcrypto, the one at ``path`` or else the first that can be used.

    Safe to share between threads. Keys are parsed once and the last used are kept. Raises
    ConfigurationError when made if no libcrypto can be used.
    """

    def __init__(self, path: str | None = None) -> None:
        super().__init__()
        self._lib, self._path = (libcrypto.load(path), path) if path else libcrypto.load_first()
        self._curve = self._lib.EC_GROUP_new_by_curve_name(libcrypto.SM2_CURVE)
        self._sm3_method = self._lib.EVP_MD_fetch(None, b"SM3", None)
        self._sm4_method = self._lib.EVP_CIPHER_fetch(None, b"SM4-CBC", None)
        self._public_key = lru_cache(KEYS_CACHED_MAX)(self._derive)
        self._signing_key = lru_cache(KEYS_CACHED_MAX)(self._parse_private)
        self._verifying_key = lru_cache(KEYS_CACHED_MAX)(self._parse_public)
        self._hash = _sm3_of_hashlib()
        finalizer = weakref.finalize(
            self, _free, self._lib, self._curve, self._sm3_method, self._sm4_method
        )
        finalizer.atexit = False  # the process's end frees them anyway, in a safer order

    @property
    def name(self) -> str:
        version: bytes = self._lib.OpenSSL_version(0)
        return f"{version.decode('ascii')} at {self._path}"

    def __repr__(self) -> str:
        return f"<OpenSSLProvider {self.name}>"

    def public_key(self, key: PrivateKey) -> PublicKey:
        return self._public_key(key)

    def sign_digest(self, key: PrivateKey, e: bytes) -> tuple[int, int]:
        signature = ctypes.create_string_buffer(SIGNATURE_BYTES_MAX)
        size = ctypes.c_size_t(SIGNATURE_BYTES_MAX)
        parsed = self._signing_key(key)
        with self._key_context(parsed) as context:
            self._require(self._lib.EVP_PKEY_sign_init(context))
            self._require(
                self._lib.EVP_PKEY_sign(context, signature, ctypes.byref(size), e, len(e))
            )
        pair = decode_signature(signature.raw[: size.value])
        if pair is None:
            raise UnavailableError(Code.UNAVAILABLE, "OpenSSL made an SM2 signature out of form")
        return pair

    def verify_digest(self, public_key: PublicKey, e: bytes, r: int, s: int) -> bool:
        signature = encode_signature(r, s)
        parsed = self._verifying_key(public_key)
        with self._key_context(parsed) as context:
            self._require(self._lib.EVP_PKEY_verify_init(context))
            result: int = self._lib.EVP_PKEY_verify(context, signature, len(signature), e, len(e))
        if result != 0:
            self._require(result)  # negative: it could not tell, which is not the same as no
            return True
        self._lib.ERR_clear_error()
        return False

    def sm3(self, data: bytes) -> bytes:
        if self._hash is not None:
            digest = self._hash.copy()
            absorb(digest, data)
            return digest.digest()
        out = ctypes.create_string_buffer(_SM3_BYTES)
        self._require(
            self._lib.EVP_Digest(bytes(data), len(data), out, None, self._sm3_method, None)
        )
        return out.raw

    def sm4_cbc_encrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        check_sm4(key, iv)
        return self._sm4_cbc(key, iv, pad(data), encrypt=True)

    def sm4_cbc_decrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        check_sm4(key, iv)
        if len(data) % SM4_BLOCK_BYTES:
            raise RequestError(Code.MALFORMED, "an SM4-CBC ciphertext is a multiple of 16 bytes")
        return unpad(self._sm4_cbc(key, iv, data, encrypt=False))

    def _sm4_cbc(self, key: bytes, iv: bytes, data: bytes, *, encrypt: bool) -> bytes:
        if len(data) > _CIPHER_BYTES_MAX:
            raise RequestError(Code.MALFORMED, "SM4 takes less than 2 GiB at once")
        out = ctypes.create_string_buffer(len(data) + SM4_BLOCK_BYTES)
        size = ctypes.c_int()
        context = self._lib.EVP_CIPHER_CTX_new()
        try:
            self._require(
                self._lib.EVP_CipherInit_ex2(context, self._sm4_method, key, iv, encrypt, None)
            )
            self._require(self._lib.EVP_CIPHER_CTX_set_padding(context, 0))
            self._require(
                self._lib.EVP_CipherUpdate(context, out, ctypes.byref(size), bytes(data), len(data))
            )
        finally:
            self._lib.EVP_CIPHER_CTX_free(context)
        return ctypes.string_at(out, size.value)

    def _derive(self, key: PrivateKey) -> PublicKey:
        """d·G."""
        encoded = ctypes.create_string_buffer(POINT_BYTES + 1)
        scalar = self._lib.BN_bin2bn(key.secret, SCALAR_BYTES, None)
        point = self._lib.EC_POINT_new(self._curve)
        try:
            self._require(self._lib.EC_POINT_mul(self._curve, point, scalar, None, None, None))
            self._require(
                self._lib.EC_POINT_point2oct(
                    self._curve, point, _UNCOMPRESSED, encoded, len(encoded), None
                )
            )
        finally:
            self._lib.EC_POINT_free(point)
            self._lib.BN_clear_free(scalar)
        return PublicKey.from_encoded(encoded.raw)

    def _parse_private(self, key: PrivateKey) -> _Key:
        encoded = self.public_key(key).encoded()
        secret = int.from_bytes(key.secret).to_bytes(SCALAR_BYTES, sys.byteorder)
        return self._parse(
            libcrypto.KEY_PAIR,
            Param(b"pub", Param.OCTET_STRING, encoded, len(encoded)),
            Param(b"priv", Param.UNSIGNED_INTEGER, secret, len(secret)),
        )

    def _parse_public(self, key: PublicKey) -> _Key:
        encoded = key.encoded()
        return self._parse(
            libcrypto.PUBLIC_KEY, Param(b"pub", Param.OCTET_STRING, encoded, len(encoded))
        )

    def _parse(self, selection: int, *values: Param) -> _Key:
        params = (Param * (len(values) + 2))(
            Param(b"group", Param.UTF8_STRING, b"SM2", 3), *values, Param()
        )
        handle = ctypes.c_void_p()
        context = self._lib.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
        try:
            self._require(self._lib.EVP_PKEY_fromdata_init(context))
            self._require(
                self._lib.EVP_PKEY_fromdata(context, ctypes.byref(handle), selection, params)
            )
        finally:
            self._lib.EVP_PKEY_CTX_free(context)
        assert handle.value is not None, "a parsed key has a handle"
        return _Key(handle.value, self._lib.EVP_PKEY_free)

    @contextmanager
    def _key_context(self, key: _Key) -> Iterator[int]:
        context = self._lib.EVP_PKEY_CTX_new_from_pkey(None, key.handle, None)
        self._require(context)
        try:
            yield context
        finally:
            self._lib.EVP_PKEY_CTX_free(context)

    def _require(self, result: int | None) -> None:
        """Raises UnavailableError unless OpenSSL says it succeeded."""
        if result is None or result <= 0:
            raise UnavailableError(
                Code.UNAVAILABLE, f"OpenSSL failed: {libcrypto.take_error(self._lib)}"
            )


def _sm3_of_hashlib() -> "hashlib._Hash | None":
    """Python's own SM3 to copy from, if it has one: calling it costs less than ctypes does."""
    try:
        return hashlib.new("sm3")
    except ValueError:
        return None


def _free(lib: ctypes.CDLL, curve: int, sm3_method: int, sm4_method: int) -> None:
    lib.EC_GROUP_free(curve)
    lib.EVP_MD_free(sm3_method)
    lib.EVP_CIPHER_free(sm4_method)

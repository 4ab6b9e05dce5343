"""Finds OpenSSL's libcrypto and declares the functions of it that we call.

Any libcrypto from 3.0 on will do if it was built with SM2, SM3 and SM4; some distributions leave
SM2 and SM4 out. So the places are tried in turn: the one Python's own ``ssl`` works with (already
in memory, kept up to date by the operating system), the system's, and the one that comes inside
the psycopg wheel.
"""

import ctypes
import ctypes.util
import importlib.util
import sys
from collections.abc import Iterator
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint, c_ulong, c_void_p
from pathlib import Path
from typing import Any

from ledger.errors import ConfigurationError

SM2_CURVE = 1172  # NID_sm2 of obj_mac.h; numbers in that table are never reassigned
PUBLIC_KEY = 0x86  # EVP_PKEY_PUBLIC_KEY of evp.h
KEY_PAIR = 0x87  # EVP_PKEY_KEYPAIR

_VERSION_MIN = 0x30000000  # 3.0.0, as OpenSSL_version_num counts


class Param(ctypes.Structure):
    """OSSL_PARAM of core.h: a named value handed to OpenSSL; the last of a list has no name."""

    UNSIGNED_INTEGER, UTF8_STRING, OCTET_STRING = 2, 4, 5

    _fields_ = (
        ("key", c_char_p),
        ("data_type", c_uint),
        ("data", c_char_p),
        ("data_size", c_size_t),
        ("return_size", c_size_t),
    )


# name: (result, arguments). A library that lacks one is unfit; better known now than in a payment.
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "OpenSSL_version_num": (c_ulong, ()),
    "OpenSSL_version": (c_char_p, (c_int,)),
    "ERR_get_error": (c_ulong, ()),
    "ERR_error_string_n": (None, (c_ulong, c_char_p, c_size_t)),
    "ERR_clear_error": (None, ()),
    "BN_bin2bn": (c_void_p, (c_char_p, c_int, c_void_p)),
    "BN_clear_free": (None, (c_void_p,)),
    "EC_GROUP_new_by_curve_name": (c_void_p, (c_int,)),
    "EC_GROUP_free": (None, (c_void_p,)),
    "EC_POINT_new": (c_void_p, (c_void_p,)),
    "EC_POINT_free": (None, (c_void_p,)),
    "EC_POINT_mul": (c_int, (c_void_p,) * 6),
    "EC_POINT_point2oct": (
        c_size_t,
        (c_void_p, c_void_p, c_int, c_char_p, c_size_t, c_void_p),
    ),
    "EVP_PKEY_CTX_new_from_name": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_CTX_new_from_pkey": (c_void_p, (c_void_p, c_void_p, c_char_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_fromdata_init": (c_int, (c_void_p,)),
    "EVP_PKEY_fromdata": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(Param))),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_sign_init": (c_int, (c_void_p,)),
    "EVP_PKEY_sign": (c_int, (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)),
    "EVP_PKEY_verify_init": (c_int, (c_void_p,)),
    "EVP_PKEY_verify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "EVP_MD_fetch": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_MD_free": (None, (c_void_p,)),
    "EVP_Digest": (c_int, (c_char_p, c_size_t, c_char_p, c_void_p, c_void_p, c_void_p)),
    "EVP_CIPHER_fetch": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_CIPHER_free": (None, (c_void_p,)),
    "EVP_CIPHER_CTX_new": (c_void_p, ()),
    "EVP_CIPHER_CTX_free": (None, (c_void_p,)),
    "EVP_CipherInit_ex2": (c_int, (c_void_p, c_void_p, c_char_p, c_char_p, c_int, c_void_p)),
    "EVP_CIPHER_CTX_set_padding": (c_int, (c_void_p, c_int)),
    "EVP_CipherUpdate": (c_int, (c_void_p, c_char_p, POINTER(c_int), c_char_p, c_int)),
}


def candidates() -> Iterator[str]:
    """Paths or names of libcrypto, best first, each once."""
    seen: set[str] = set()
    for place in (_loaded_by_python, _known_to_the_system, _inside_psycopg):
        for path in place():
            if path not in seen:
                seen.add(path)
                yield path


def load(path: str) -> ctypes.CDLL:
    """Opens one libcrypto, with every function declared.

    Raises ConfigurationError if it cannot be opened, is older than 3.0, or lacks a function or one
    of SM2, SM3 and SM4.
    """
    try:
        lib = ctypes.CDLL(path)
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(lib, name)
            function.restype = result
            function.argtypes = arguments
    except (OSError, AttributeError) as error:
        raise ConfigurationError(f"{path} cannot be used: {error}") from error
    if lib.OpenSSL_version_num() < _VERSION_MIN:
        raise ConfigurationError(f"{path} is older than OpenSSL 3.0")
    sm2 = lib.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
    sm3 = lib.EVP_MD_fetch(None, b"SM3", None)
    sm4 = lib.EVP_CIPHER_fetch(None, b"SM4-CBC", None)
    lib.EVP_PKEY_CTX_free(sm2)
    lib.EVP_MD_free(sm3)
    lib.EVP_CIPHER_free(sm4)
    if not (sm2 and sm3 and sm4):
        lib.ERR_clear_error()
        raise ConfigurationError(f"{path} was built without SM2, SM3 or SM4")
    return lib


def load_first() -> tuple[ctypes.CDLL, str]:
    """The first candidate that can be used, and its path. Raises ConfigurationError if none can."""
    complaints = []
    for path in candidates():
        try:
            return load(path), path
        except ConfigurationError as error:
            complaints.append(error.detail)
    raise ConfigurationError("no libcrypto can be used: " + ("; ".join(complaints) or "none found"))


def take_error(lib: ctypes.CDLL) -> str:
    """The first error this thread left in the library, in words; empties the thread's queue.

    The queue is shared with Python's ``ssl``, which would take our leftovers for its own.
    """
    code: int = lib.ERR_get_error()
    lib.ERR_clear_error()
    text = ctypes.create_string_buffer(256)
    lib.ERR_error_string_n(code, text, len(text))
    return text.value.decode("ascii", "replace")


def _loaded_by_python() -> Iterator[str]:
    try:
        import _ssl  # noqa: F401  (loads the library that we then find in the memory map)

        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except (ImportError, OSError):
        return
    for line in lines:
        path = line.split(maxsplit=5)[-1]
        # The wheel's own copy may be mapped as well; it has its turn later.
        if "/libcrypto" in path and "psycopg" not in path and Path(path).exists():
            yield path


def _known_to_the_system() -> Iterator[str]:
    name = ctypes.util.find_library("crypto")
    # macOS ends a process that opens its own unversioned libcrypto, which is no OpenSSL anyway.
    if name and not (sys.platform == "darwin" and name.startswith("/usr/lib/")):
        yield name


def _inside_psycopg() -> Iterator[str]:
    spec = importlib.util.find_spec("psycopg_binary")
    if spec is None or spec.origin is None:
        return
    package = Path(spec.origin).parent
    for folder in (package.parent / "psycopg_binary.libs", package / ".dylibs"):
        yield from sorted(str(path) for path in folder.glob("libcrypto*"))

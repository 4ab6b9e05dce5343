"""How signed documents are kept: their exact bytes, compressed by zstd with a dictionary.

A voucher is XML in GBK with some 130 elements, most of them empty or repeated, and nearly all of it
stands in every other voucher, too. So the compressor starts from a dictionary: names of the
code sets and a sample of each form. A voucher of one line with texts of its own goes from 4,300
bytes to 460 in 5 µs and opens in 2 (docs/decisions/0010-one-signature-for-many.md).

The first byte says how the rest is to be read. A dictionary is never changed: a better one is
another file and another first byte, and bodies written with the old one stay as they are. What the
events name is the SM3 of the bytes before compression, so nothing else depends on it.
"""

import threading
import zlib
from functools import lru_cache
from importlib import resources

import zstandard

from ledger.errors import IntegrityError
from ledger.gm import sm3

# first bytes; 0x78 begins what zlib itself wrote before there was a dictionary
_PLAIN, _DEFLATED, _ZSTD, _ZLIB = b"\x00", b"\x01", b"\x02", 0x78

_LEVEL = 3  # 1 is no faster on one voucher, whose time is the dictionary's, and a tenth larger
_WINDOW_BITS = -14  # of what was deflated with the first dictionary


def _dictionary(number: int) -> bytes:
    return (resources.files("ledger.data") / "documents" / f"dictionary_{number}.bin").read_bytes()


@lru_cache(None)
def _deflated_with() -> bytes:
    return _dictionary(1)


@lru_cache(None)
def _prepared() -> zstandard.ZstdCompressionDict:
    """The dictionary in the form that zstd works with, for all threads."""
    dictionary = zstandard.ZstdCompressionDict(
        _dictionary(2), dict_type=zstandard.DICT_TYPE_FULLDICT
    )
    dictionary.precompute_compress(level=_LEVEL)
    return dictionary


class _Zstd(threading.local):
    """What compresses and opens; each thread has its own, because zstd's state is in it."""

    def __init__(self) -> None:
        # the first byte says which dictionary it is
        self.compress = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=_prepared(), write_dict_id=False
        ).compress
        self.decompress = zstandard.ZstdDecompressor(dict_data=_prepared()).decompress


_zstd = _Zstd()


def compress_document(document: bytes) -> bytes:
    """The bytes as they are stored: what would not become shorter as it is, whoever stores it."""
    compressed = _zstd.compress(document)
    return _ZSTD + compressed if len(compressed) < len(document) else keep_plainly(document)


def keep_plainly(document: bytes) -> bytes:
    """Likewise, of what cannot be compressed, such as digests."""
    return _PLAIN + document


def decompress(body: bytes) -> bytes:
    """The exact bytes that were signed or received.

    Raises:
        IntegrityError: the stored bytes are not what was written here.
    """
    form = body[:1]
    try:
        if form == _ZSTD:
            return _zstd.decompress(body[1:], allow_extra_data=False)
        if form == _PLAIN:
            return body[1:]
        if form == _DEFLATED:
            opener = zlib.decompressobj(_WINDOW_BITS, zdict=_deflated_with())
            return _inflated(opener, body[1:])
        if form and form[0] == _ZLIB:
            return _inflated(zlib.decompressobj(), body)
    except (zstandard.ZstdError, zlib.error, MemoryError) as error:
        # a damaged length may be of more memory than there is
        raise IntegrityError(f"a stored document cannot be read: {error}") from error
    raise IntegrityError("a stored document is in a form that nobody knows")


def _inflated(opener: "zlib._Decompress", deflated: bytes) -> bytes:
    document = opener.decompress(deflated)
    if not opener.eof or opener.unused_data:
        raise IntegrityError("a stored document is cut short, or there is something behind it")
    return document


def open_document(digest: bytes, body: bytes) -> bytes:
    """The document whose SM3 is ``digest``, from its stored bytes.

    Raises:
        IntegrityError: they are not the bytes that were signed or received.
    """
    document = decompress(body)
    if sm3(document) != digest:
        raise IntegrityError(f"document {digest.hex()} is not what was signed or received")
    return document

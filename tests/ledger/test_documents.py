"""Stored documents: every byte comes back, whatever is stored, and whenever it was."""

import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import IntegrityError
from ledger.gm import sm3
from ledger.reading import documents
from payments.messages import voucher_5214
from tests.support.vouchers_5214 import voucher_of as _voucher

VOUCHER = voucher_5214.build(_voucher())
LONG = voucher_5214.build(_voucher((100,) * 499))

# Never changed: bodies that were written with them could not be read any more.
DICTIONARY_2 = "fef541d46a7b3cfdb5446ffa15754d42c336a100310b06f417243cd91418412d"
STORED_2 = "0228b52ffd20279d000038c9cc4e616d653e03fc50ca31ec88266c658e"
DICTIONARY_1 = "77cfe71d249478332e027ba1d435916ce4191276d2bb885ec2a314cb217db048"
STORED_1 = "01c392264f9e41494c60270000"


def test_digests_are_kept_as_they_are_by_whoever_keeps_them() -> None:
    """An import made the proofs of a manifest longer than the ledger that it brought had them."""
    proof = bytes.fromhex("29866" + "da47e05333062e1f39dea64ed60a320387049d0c480e2ada5cf206d2ba9")
    assert documents.compress_document(proof) == documents.keep_plainly(proof)


@settings(deadline=None)
@given(st.binary(max_size=3_000))
def test_every_byte_comes_back(document: bytes) -> None:
    for stored in (documents.compress_document(document), documents.keep_plainly(document)):
        assert documents.decompress(stored) == document
        assert documents.open_document(sm3(document), stored) == document


@pytest.mark.parametrize("document", [VOUCHER, LONG, b"", os.urandom(40_000)])
def test_vouchers_come_back(document: bytes) -> None:
    assert documents.decompress(documents.compress_document(document)) == document


def test_a_voucher_becomes_small() -> None:
    assert len(documents.compress_document(VOUCHER)) < len(VOUCHER) / 10
    assert len(documents.compress_document(LONG)) < len(LONG) / 50


def test_what_was_stored_before_there_was_a_dictionary_opens() -> None:
    assert documents.decompress(zlib.compress(VOUCHER, 1)) == VOUCHER
    assert documents.decompress(zlib.compress(VOUCHER, 9)) == VOUCHER


def dictionary(number: int) -> bytes:
    data = resources.files("ledger.data") / "documents" / f"dictionary_{number}.bin"
    return data.read_bytes()


def deflated(document: bytes) -> bytes:
    """As documents were written with the first dictionary."""
    compressor = zlib.compressobj(3, zlib.DEFLATED, -14, zdict=dictionary(1))
    return b"\x01" + compressor.compress(document) + compressor.flush()


@pytest.mark.parametrize(("number", "digest"), [(1, DICTIONARY_1), (2, DICTIONARY_2)])
def test_a_dictionary_is_the_one_that_bodies_were_written_with(number: int, digest: str) -> None:
    assert sm3(dictionary(number)).hex() == digest


@pytest.mark.parametrize("stored", [STORED_1, STORED_2])
def test_a_body_that_was_written_with_either_dictionary_opens(stored: str) -> None:
    """Bytes as they stand in ledgers; today's compressor may write others."""
    body = bytes.fromhex(stored)
    assert documents.decompress(body) == "<PayeeAcctName>样例商行</PayeeAcctName>".encode("gbk")


@pytest.mark.parametrize("document", [VOUCHER, LONG, b""])
def test_what_was_deflated_opens(document: bytes) -> None:
    assert documents.decompress(deflated(document)) == document


def test_threads_compress_and_open_beside_one_another() -> None:
    made = [VOUCHER + str(number).encode() for number in range(400)] + [LONG] * 20
    with ThreadPoolExecutor(8) as workers:
        stored = list(workers.map(documents.compress_document, made))
        assert list(workers.map(documents.decompress, stored)) == made


def test_a_length_beyond_all_memory_is_damage() -> None:
    magic, frame_with_length_of_8_bytes = b"\x28\xb5\x2f\xfd", b"\xe0"
    stored = b"\x02" + magic + frame_with_length_of_8_bytes + b"\xff" * 7 + b"\x0f" + bytes(20)
    with pytest.raises(IntegrityError, match="cannot be read"):
        documents.decompress(stored)


@pytest.mark.parametrize(
    "stored", [documents.compress_document(VOUCHER), deflated(VOUCHER), zlib.compress(VOUCHER)]
)
def test_damage_is_noticed(stored: bytes) -> None:
    digest = sm3(VOUCHER)
    for damaged in (
        b"",
        stored[:-1],
        stored[: len(stored) // 2],
        stored + b"\0",
        b"\x03" + stored[1:],
        stored[:40] + bytes((stored[40] ^ 4,)) + stored[41:],
        documents.compress_document(VOUCHER + b" "),
        documents.keep_plainly(VOUCHER[:-1]),
    ):
        with pytest.raises(IntegrityError):
            documents.open_document(digest, damaged)

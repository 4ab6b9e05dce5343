"""Stored documents: every byte comes back, whatever is stored, and whenever it was."""

import os
import zlib
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import IntegrityError
from ledger.gm import sm3
from ledger.store import documents
from payments.evoucher import voucher_5214
from tests.test_evoucher_5214 import _voucher

VOUCHER = voucher_5214.build(_voucher())
LONG = voucher_5214.build(_voucher((100,) * 499))

# Never changed: bodies that were written with it could not be read any more.
DICTIONARY_1 = "77cfe71d249478332e027ba1d435916ce4191276d2bb885ec2a314cb217db048"
STORED_1 = "01c392264f9e41494c60270000"


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


def test_the_dictionary_is_the_one_that_bodies_were_written_with() -> None:
    data = resources.files("ledger.data") / "documents" / "dictionary_1.bin"
    assert sm3(data.read_bytes()).hex() == DICTIONARY_1


def test_a_body_that_was_written_with_the_first_dictionary_opens() -> None:
    """Bytes as they stand in ledgers; today's compressor may write others."""
    body = bytes.fromhex(STORED_1)
    assert documents.decompress(body) == "<PayeeAcctName>样例商行</PayeeAcctName>".encode("gbk")


@pytest.mark.parametrize("stored", [documents.compress_document(VOUCHER), zlib.compress(VOUCHER)])
def test_damage_is_noticed(stored: bytes) -> None:
    digest = sm3(VOUCHER)
    for damaged in (
        b"",
        stored[:-1],
        stored[: len(stored) // 2],
        stored + b"\0",
        b"\x02" + stored[1:],
        stored[:40] + bytes((stored[40] ^ 4,)) + stored[41:],
        documents.compress_document(VOUCHER + b" "),
        documents.keep_plainly(VOUCHER[:-1]),
    ):
        with pytest.raises(IntegrityError):
            documents.open_document(digest, damaged)

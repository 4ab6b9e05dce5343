"""A treasury that signs, and the server to which banks send their receipts."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import ReceiptServer, SigningTreasury


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    bookkeeper.issue("B", "1000000.00")
    return SigningTreasury(bookkeeper, tmp_path)


@pytest.fixture
def server(treasury: SigningTreasury) -> Iterator[ReceiptServer]:
    with ReceiptServer(treasury) as server:
        yield server


@pytest.fixture
def connection(keeper: Bookkeeper) -> Iterator[psycopg.Connection]:
    """That of a sender."""
    with keeper.pool.connection() as connection:
        connection.autocommit = True
        yield connection
        connection.autocommit = False

"""比对: the lines of all packages against the books as they stand; reads, and decides nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol

import psycopg

from accounting.intake.bank_movements import BookedMovements, follow
from accounting.reconciliation.matching import BankLine, BankMovement, ComparedLines, Matcher
from accounting.reconciliation.statement import Reconciliation
from ledger.reading.documents import open_document
from ledger.reading.objects import read_bodies
from payments.messages.reconciliations import parse

ReadPackage = Callable[[str], bytes]  # a package's document by its SM3


class BookedSide(Protocol):
    """What the books have of one bank and one kind of voucher, wherever it is read."""

    def under(self, numbers: Iterable[str]) -> Mapping[str, Sequence[BankMovement]]: ...
    def on(self, begin: date, end: date) -> Iterable[BankMovement]: ...


class SaysWhat(Protocol):
    """A reconciliation, or any of its packages."""

    @property
    def vt_code(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def e_voucher_type(self) -> str: ...
    @property
    def begin_date(self) -> str: ...
    @property
    def end_date(self) -> str: ...


class ComparedDays(NamedTuple):
    """What is compared: the vouchers of one kind that a bank has carried out on these days."""

    vt_code: str
    sender: str
    e_voucher_type: str
    begin: date
    end: date

    @classmethod
    def of(cls, opened: SaysWhat) -> "ComparedDays":
        return cls(
            opened.vt_code,
            opened.sender,
            opened.e_voucher_type,
            date.fromisoformat(opened.begin_date),
            date.fromisoformat(opened.end_date),
        )


def lines_of(document: bytes, vt_code: str) -> Sequence[BankLine]:
    """The lines of a package."""
    package = parse(document, vt_code=vt_code)
    return [
        BankLine(line.voucher_no, line.amt, f"{package.pack_no}/{number}")
        for number, line in enumerate(package.lines, 1)
    ]


def compare(
    days: ComparedDays,
    packages: Iterable[str],
    read: ReadPackage,
    books: BookedSide,
    upto_position: int,
) -> ComparedLines:
    """Package by package, a few queries for each."""
    named = tuple(packages)
    matcher = Matcher(days.begin, days.end)
    for sm3 in named:
        lines = lines_of(read(sm3), days.vt_code)
        matcher.take(lines, books.under({line.number for line in lines}))
    return matcher.conclude(books.on(days.begin, days.end), named, upto_position)


def compare_now(
    connection: psycopg.Connection,
    key: int,
    days: ComparedDays,
    packages: Iterable[str],
    read: ReadPackage,
) -> ComparedLines:
    """Against what the books have by now."""
    upto = follow(connection, key)
    books = BookedMovements(connection, key, days.sender, days.e_voucher_type, upto)
    return compare(days, packages, read, books, upto)


def compare_again(
    connection: psycopg.Connection, key: int, found: Reconciliation
) -> ComparedLines | None:
    """The same of a reconciliation whose packages are all there; None of another."""
    if not found.is_whole:
        return None
    days, read = ComparedDays.of(found.opened), kept_packages(connection, key)
    return compare_now(connection, key, days, found.package_sm3s, read)


def kept_packages(connection: psycopg.Connection, key: int) -> ReadPackage:
    """Documents as the ledger keeps them."""

    def read(sm3: str) -> bytes:
        digest = bytes.fromhex(sm3)
        return open_document(digest, read_bodies(connection, key, {digest})[digest])

    return read

"""The lines of a run: their one canonical form, their digest, their table.

A canonical line is what Postgres writes for the row in COPY text format: the fields of
``StoredLine`` in order, parted by tabs, a backslash doubled, ended by a line feed. No field may
hold a control character, so nothing else is ever escaped, and one form serves for loading, checking
and paying::

    page  = SM3( 499 canonical lines; the last page may have fewer )
    lines = SM3( "guoku.disbursement.1" 00
                 ledger_id i64 | length of run_no u16 | run_no UTF-8 | line count i64
                 page_1 | page_2 | ... )

integers big-endian. A page is what one voucher pays, so each voucher's lines can be held against
what was approved without reading the others again.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from struct import Struct
from typing import NamedTuple

import psycopg

from ledger.gm import sm3
from ledger.money import yuan
from payments.application import DETAILS_MAX
from payments.events import PaymentDetail

_LOAD = (
    "COPY disbursement_lines (ledger_id, run_no, line_no, file_line, pay_detail_id,"
    " payee_acct_name, payee_acct_no, payee_acct_bank_name, payee_bank_no, pay_fen, iden_no,"
    " remark) FROM STDIN"
)
_READ = (
    "COPY (SELECT line_no, file_line, pay_detail_id, payee_acct_name, payee_acct_no,"
    " payee_acct_bank_name, payee_bank_no, pay_fen, iden_no, remark FROM disbursement_lines"
    " WHERE ledger_id = %s AND run_no = %s AND line_no BETWEEN %s AND %s"
    " ORDER BY line_no) TO STDOUT"
)
_LINE_MAX = 2**31 - 1
_HEAD = b"guoku.disbursement.1\x00"
_LEDGER = Struct(">qH")
_COUNT = Struct(">q")


class StoredLine(NamedTuple):
    """A line as it is stored; an amount in fen."""

    line_no: int
    file_line: int
    pay_detail_id: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str
    pay_fen: int
    iden_no: str
    remark: str

    def canonical(self) -> bytes:
        text = "\t".join(map(str, self))
        if "\\" in text:
            text = text.replace("\\", "\\\\")
        return text.encode() + b"\n"

    def detail(self) -> PaymentDetail:
        return PaymentDetail(
            pay_detail_id=self.pay_detail_id,
            payee_acct_name=self.payee_acct_name,
            payee_acct_no=self.payee_acct_no,
            payee_acct_bank_name=self.payee_acct_bank_name,
            payee_bank_no=self.payee_bank_no,
            pay_amt=yuan(self.pay_fen),
            iden_no=self.iden_no,
            remark=self.remark,
        )


def parse_line(canonical: bytes) -> StoredLine:
    """The line that was written so."""
    text = canonical[:-1].decode()
    fields = text.split("\t")
    if "\\" in text:
        fields = [field.replace("\\\\", "\\") for field in fields]
    line_no, file_line, detail_id, name, account, bank, bank_no, fen, iden_no, remark = fields
    return StoredLine(
        int(line_no), int(file_line), detail_id, name, account, bank, bank_no, int(fen), iden_no,
        remark,
    )  # fmt: skip


class Pages(NamedTuple):
    """Digests of a run's pages, and over all of them."""

    digests: list[bytes]
    line_count: int
    lines_sm3: str


def digest_pages(ledger_id: int, run_no: str, digests: Sequence[bytes], line_count: int) -> Pages:
    """The digest over all lines, from those of their pages."""
    name = run_no.encode()
    head = _HEAD + _LEDGER.pack(ledger_id, len(name)) + name + _COUNT.pack(line_count)
    return Pages(list(digests), line_count, sm3(head + b"".join(digests)).hex())


class LinesWriter:
    """Loads canonical lines through COPY, page by page, and digests them on the way."""

    def __init__(self, copy: psycopg.Copy, ledger_id: int, run_no: str) -> None:
        self._copy = copy
        self._place = (ledger_id, run_no)
        escaped = run_no.replace("\\", "\\\\")
        self._prefix = f"{ledger_id}\t{escaped}\t".encode()
        self._page: list[bytes] = []
        self._digests: list[bytes] = []
        self._count = 0

    def write(self, canonical: bytes) -> None:
        self._page.append(canonical)
        if len(self._page) == DETAILS_MAX:
            self._flush()

    def _flush(self) -> None:
        if self._page:
            self._digests.append(sm3(b"".join(self._page)))
            self._copy.write(self._prefix + self._prefix.join(self._page))
            self._count += len(self._page)
            self._page = []

    def finish(self) -> Pages:
        """Writes what is left."""
        self._flush()
        return digest_pages(*self._place, self._digests, self._count)


def copy_in(cursor: psycopg.Cursor) -> AbstractContextManager[psycopg.Copy]:
    """Where a :class:`LinesWriter` writes to."""
    return cursor.copy(_LOAD)


def read_canonical(
    connection: psycopg.Connection,
    ledger_id: int,
    run_no: str,
    first: int = 1,
    last: int = _LINE_MAX,
) -> Iterator[bytes]:
    """Lines ``first`` to ``last`` as they stand in the table now, in order, streamed."""
    with (
        connection.cursor() as cursor,
        cursor.copy(_READ, (ledger_id, run_no, first, last)) as copy,
    ):
        for line in copy:
            yield bytes(line)


def in_pages(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines, 499 at a time."""
    page: list[bytes] = []
    for line in lines:
        page.append(line)
        if len(page) == DETAILS_MAX:
            yield page
            page = []
    if page:
        yield page


def read_pages(connection: psycopg.Connection, ledger_id: int, run_no: str) -> Pages:
    """The digests of the lines as they stand in the table now."""
    digests, count = [], 0
    for page in in_pages(read_canonical(connection, ledger_id, run_no)):
        digests.append(sm3(b"".join(page)))
        count += len(page)
    return digest_pages(ledger_id, run_no, digests, count)


def page_span(page: int) -> tuple[int, int]:
    """First and last line number of a page, counted from 1."""
    return (page - 1) * DETAILS_MAX + 1, page * DETAILS_MAX

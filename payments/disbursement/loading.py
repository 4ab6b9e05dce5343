"""Loading a file's lines: read, validated, digested and stored in one pass, or not at all.

Memory stays bounded whatever the file: rows stream from the file into COPY, and what needs all of
them at once (no detail id twice, a payee who seems to stand there twice) the database is asked.
"""

from collections.abc import Iterable
from typing import BinaryIO

import msgspec
import psycopg

from ledger.errors import Code, Refusal, RequestError
from ledger.events import type_names
from ledger.files.checking import ERRORS_SHOWN_MAX, FileErrors, LineError
from ledger.files.columns import Row
from ledger.files.rows import read_rows as read_file
from ledger.reading.loading import read_rows
from payments.disbursement.events import DisbursementApproved
from payments.disbursement.lines import (
    LinesWriter,
    Pages,
    StoredLine,
    copy_in,
)
from payments.disbursement.repeats import PAID_LISTS
from payments.disbursement.run import LINES_MAX
from payments.disbursement.validation import LAYOUT, check_total, checked
from payments.payees import PayeesDigest

SUSPECTS_SHOWN_MAX = 100

_CLEAR = "DELETE FROM disbursement_lines WHERE ledger_id = %(ledger_id)s AND run_no = %(run_no)s"
_ANY_REPEAT = """
SELECT pay_detail_id FROM disbursement_lines
WHERE ledger_id = %(ledger_id)s AND run_no = %(run_no)s
GROUP BY pay_detail_id HAVING count(*) > 1 LIMIT 1"""
_REPEATS = """
SELECT file_line, first_line, count(*) OVER () FROM (
    SELECT file_line, first_value(file_line) OVER same AS first_line,
           row_number() OVER same AS place
    FROM disbursement_lines WHERE ledger_id = %(ledger_id)s AND run_no = %(run_no)s
    WINDOW same AS (PARTITION BY pay_detail_id ORDER BY line_no)) AS lines
WHERE place > 1 ORDER BY file_line LIMIT %(limit)s"""
_SUSPECTS = """
SELECT min(file_line), max(file_line), sum(count(*) - 1) OVER () FROM disbursement_lines
WHERE ledger_id = %(ledger_id)s AND run_no = %(run_no)s
GROUP BY upper(replace(payee_acct_no, '-', '')), pay_fen HAVING count(*) > 1
ORDER BY min(file_line) LIMIT %(limit)s"""

_RUNS_OF_LIST = """
SELECT k.number FROM command_keys k
JOIN events e ON e.ledger_id = k.ledger_id AND e.stream_id = k.stream_id
WHERE k.ledger_id = %s AND k.operation = 'disbursement.open' AND e.type = ANY(%s)
  AND convert_from(e.payload, 'UTF8')::jsonb ->> 'payees_sm3' = %s
ORDER BY e.position"""


class Suspect(msgspec.Struct, frozen=True):
    """Two lines that pay the same amount to the same account, in whatever spelling of it; which may
    well be meant."""

    first_line: int
    last_line: int


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What was loaded; lines are those of the file.

    Attributes:
        payees_sm3: over accounts and amounts alone.
        suspect_count: lines that repeat account and amount of an earlier one.
        suspects: the first of them.
    """

    pages: Pages
    pay_fen: int
    payees_sm3: str
    suspect_count: int
    suspects: list[Suspect]


def load_file(
    connection: psycopg.Connection,
    ledger_id: int,
    run_no: str,
    file: BinaryIO,
    media_type: str,
    charset: str = "",
) -> Loaded:
    """Puts a file's lines in the place of what the run had. The caller commits.

    Raises:
        Refusal: ``details_mismatch`` with ``errors``, ``error_count`` and ``line_count``: some
            lines are wrong, and nothing of the file may be kept.
        RequestError: the file as such cannot be read, is empty or has too many lines.
    """
    scope = {"ledger_id": ledger_id, "run_no": run_no}
    connection.execute(_CLEAR, scope)
    report = FileErrors()
    own_ids = False
    line_no = pay_fen = 0
    payees = PayeesDigest()
    with connection.cursor() as cursor, copy_in(cursor) as copy:
        writer = LinesWriter(copy, ledger_id, run_no)
        for row in read_file(file, media_type, LAYOUT, charset):
            line_no += 1
            if line_no > LINES_MAX:
                raise RequestError(Code.TOO_MANY_ITEMS, f"a run has at most {LINES_MAX} lines")
            own_ids = own_ids or bool(row.texts[0])
            line = checked(row, line_no, report)
            if line is not None:
                pay_fen += line.pay_fen
                payees.take(line.payee_acct_no, line.pay_fen)
                writer.write(line.canonical())
            elif (stand_in := _with_id_only(row, line_no)) is not None:
                writer.write(stand_in.canonical())  # so that its id is compared all the same
        pages = writer.finish()
    if not line_no:
        raise RequestError(Code.MALFORMED, "the file has no lines")
    if own_ids:
        _find_repeats(connection, scope, report)
    check_total(pay_fen, report)
    if report.count:
        raise Refusal(
            Code.DETAILS_MISMATCH,
            f"{report.count} errors in {line_no} lines: nothing was loaded",
            line_count=line_no,
            **report.as_extra(),
        )
    count, suspects = find_suspects(connection, ledger_id, run_no)
    return Loaded(
        pages=pages,
        pay_fen=pay_fen,
        payees_sm3=payees.hex(),
        suspect_count=count,
        suspects=suspects,
    )


def find_suspects(
    connection: psycopg.Connection, ledger_id: int, run_no: str
) -> tuple[int, list[Suspect]]:
    """How many lines repeat account and amount of an earlier one, and the first of them."""
    scope = {"ledger_id": ledger_id, "run_no": run_no, "limit": SUSPECTS_SHOWN_MAX}
    rows = connection.execute(_SUSPECTS, scope).fetchall()
    return (int(rows[0][2]) if rows else 0), [Suspect(first, last) for first, last, _ in rows]


def _with_id_only(row: Row, line_no: int) -> StoredLine | None:
    detail_id = row.texts[0]
    if not detail_id or not detail_id.isprintable():
        return None
    return StoredLine(line_no, row.file_line, detail_id, "", "", "", "", 0, "", "")


def _find_repeats(
    connection: psycopg.Connection, scope: dict[str, object], report: FileErrors
) -> None:
    """Reports each line whose id an earlier line has."""
    if connection.execute(_ANY_REPEAT, scope).fetchone() is None:
        return
    rows = connection.execute(_REPEATS, scope | {"limit": ERRORS_SHOWN_MAX}).fetchall()
    report.count += rows[0][2]
    for file_line, first_line, _ in rows:
        report.add_uncounted(
            LineError(
                file_line,
                "pay_detail_id",
                Code.DETAILS_MISMATCH.text,
                f"line {first_line} has the same id",
            )
        )


def read_repeated(connection: psycopg.Connection, ledger_id: int, payees_sm3: str) -> list[str]:
    """The runs that pay this list already; some of them may have ended before a payment."""
    if not payees_sm3 or not read_rows(connection, ledger_id, PAID_LISTS, [payees_sm3]):
        return []
    approved: Iterable[tuple[str]] = connection.execute(
        _RUNS_OF_LIST, (ledger_id, list(type_names(DisbursementApproved)), payees_sm3)
    )
    return [number for (number,) in approved]

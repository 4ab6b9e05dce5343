"""Files as people really send them: read as they are meant, or refused by line, field and text."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import csv
import io
import zipfile
from typing import Any

import openpyxl
import pytest

from ledger.errors import Code, RequestError
from ledger.files import delimited, workbook
from ledger.files.checking import FileErrors
from ledger.files.columns import HEADER_ROWS_MAX, Row
from ledger.files.rows import amount_text, read_rows
from ledger.files.spreadsheet import read_sheet
from payments.disbursement.result_files import WorkbookWriter, csv_rows, guarded
from payments.disbursement.validation import FIELDS, LAYOUT, checked
from tests.payments.test_disbursement_spreadsheet import HEADER as SHEET_HEADER
from tests.payments.test_disbursement_spreadsheet import book
from tests.support.disbursement_runs import HttpRun, account, csv_of
from tests.support.http_server import HttpTreasury, http

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TITLES = ("收款人全称", "收款人账号", "收款人开户银行", "支付金额")
PAYEE = ("张三", "6222000000000000001", "样例银行")
CSV_FILE = "\r\n".join(",".join(cells) for cells in (TITLES, (*PAYEE, "435.00"))) + "\r\n"


def rows_of(content: bytes, media: str = "text/csv", charset: str = "") -> list[Row]:
    return list(read_rows(io.BytesIO(content), media, LAYOUT, charset))


def said(row: Row) -> dict[str, str]:
    return {name: text for name, text in zip(FIELDS, row.texts, strict=True) if text}


def refused(content: bytes, media: str = "text/csv", charset: str = "") -> str:
    with pytest.raises(RequestError) as caught:
        rows_of(content, media, charset)
    assert caught.value.code is Code.MALFORMED
    return caught.value.detail


def saved(*sheets: tuple[str, str, list[tuple[Any, ...]]]) -> bytes:
    """A workbook of sheets: name, state, rows."""
    written = openpyxl.Workbook()
    written.remove(written.active)
    for name, state, rows in sheets:
        sheet = written.create_sheet(name)
        sheet.sheet_state = state
        for cells in rows:
            sheet.append(cells)
    file = io.BytesIO()
    written.save(file)
    return file.getvalue()


PAID = [TITLES, (*PAYEE, 435)]
OTHERS = [TITLES, ("李四", "6222000000000000002", "样例银行", 1)]


# ---- which sheet


def test_a_hidden_sheet_is_passed_over_wherever_it_stands() -> None:
    """The hidden first sheet was paid, and the one that was seen was not."""
    for state in ("hidden", "veryHidden"):
        [row] = rows_of(saved(("旧", state, OTHERS), ("三月", "visible", PAID)), XLSX)
        assert said(row)["payee_acct_name"] == "张三"


def test_empty_sheets_beside_the_one_do_no_harm() -> None:
    blank = [(None,), ("  ", "")]
    sheets = [("Sheet1", "visible", blank), ("三月", "visible", PAID), ("Sheet3", "visible", [])]
    [row] = rows_of(saved(*sheets), XLSX)
    assert said(row)["payee_acct_no"] == PAYEE[1]


def test_two_sheets_with_content_are_named_and_refused() -> None:
    content = saved(("三月", "visible", PAID), ("四月", "visible", OTHERS))
    detail = refused(content, XLSX)
    assert detail == "2 visible sheets have content, '三月', '四月': leave the one"


def test_a_hidden_row_is_not_paid_without_a_word() -> None:
    written = openpyxl.load_workbook(io.BytesIO(saved(("三月", "visible", [*PAID, *OTHERS[1:]]))))
    written.active.row_dimensions[3].hidden = True
    file = io.BytesIO()
    written.save(file)
    first, second = rows_of(file.getvalue(), XLSX)
    assert (first.problem, second.file_line) == ("", 3)
    assert second.problem == "the row is hidden: show it, or take it out of the sheet"


@pytest.mark.parametrize(
    ("entered", "read"),
    [
        (9_999_999_999_999.99, "9999999999999.99"),
        (999_999_999_999_999, "999999999999999.00"),
        (90_071_992_547_409.93, ""),  # it became 90071992547409.94
        (1_000_000_000_000_000.25, ""),  # and this one lost its last digits
        (1_234_567_890_123_456, ""),
        (1e308, ""),
    ],
)
def test_an_amount_has_no_more_digits_than_a_spreadsheet_keeps(entered: float, read: str) -> None:
    [row] = rows_of(saved(("三月", "visible", [TITLES, (*PAYEE, entered)])), XLSX)
    if read:
        assert said(row)["pay_amt"] == read
    else:
        assert (row.column, "fifteen" in row.problem) == ("pay_amt", True)


@pytest.mark.parametrize("field", ["payee_bank_no", "iden_no", "pay_detail_id", "remark"])
@pytest.mark.parametrize("written", ["1.02581E+11", "4.40106e+17", "1E+15"])
def test_what_a_spreadsheet_made_of_a_long_number_is_none(field: str, written: str) -> None:
    """Saved as CSV, the number of a bank was sent to one as 1.02581E+11."""
    assert refused_cell(field, written)


@pytest.mark.parametrize("field", ["payee_bank_no", "iden_no", "pay_detail_id"])
@pytest.mark.parametrize("written", ["１０２５８１０００００１", "nan", "NaN", "null", "4401Ｘ"])
def test_a_number_of_another_width_or_none_is_no_number(field: str, written: str) -> None:
    """Accounts were refused so; the number of a bank was sent to one as nan."""
    assert refused_cell(field, written)


def refused_cell(field: str, written: str) -> bool:
    """Whether that cell of a line is refused, and it alone, with what was read."""
    report = FileErrors()
    names = ("payee_acct_name", "payee_acct_no", "payee_acct_bank_name", "pay_amt", field)
    lines = "\n".join(map(",".join, (names, (*PAYEE, "435.00", written))))
    [row] = rows_of(lines.encode())
    assert checked(row, 1, report) is None
    [error] = report.shown
    return error.column == field and written in error.detail


# ---- where the columns are named


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_title_may_stand_above_and_empty_rows_between(delimiter: str) -> None:
    blank = delimiter * 3
    lines = ["2026年3月工资发放表", blank, "", *CSV_FILE.replace(",", delimiter).splitlines()]
    lines[4:4] = ["", blank]
    [row] = rows_of("\n".join(lines).encode())
    assert (row.file_line, said(row)["pay_amt"]) == (7, "435.00")


def test_the_same_holds_of_a_spreadsheet_that_begins_in_its_second_column() -> None:
    rows = [("工资发放表",), (), (None, *TITLES), (None, None), (None, *PAYEE, 435)]
    [row] = rows_of(saved(("表", "visible", rows)), XLSX)
    assert (row.file_line, said(row)["pay_amt"], row.problem) == (5, "435.00", "")


def test_what_stands_under_no_name_is_told() -> None:
    sheet = saved(("表", "visible", [(None, *TITLES), ("停发", *PAYEE, 435)]))
    lines = "\n".join([",".join((*TITLES, "")), ",".join((*PAYEE, "435.00", "停发"))]).encode()
    for content, media in ((sheet, XLSX), (lines, "text/csv")):
        [row] = rows_of(content, media)
        assert row.problem == "'停发' stands in a column without a name"


def test_without_names_the_first_row_is_shown() -> None:
    detail = refused("张三,6222000000000000001,样例银行,435.00\n".encode())
    assert detail.startswith("no row names the columns (payee_acct_name 收款人全称, ")
    assert detail.endswith("row 1 reads '张三', '6222000000000000001', '样例银行', '435.00'")
    far = "\n" + "题\n" * HEADER_ROWS_MAX + CSV_FILE
    assert "row 2 reads '题'" in refused(far.encode())
    assert refused("题\n收款人全称,支付金额,金额\n".encode()) == (
        "row 2 names the columns; unknown columns: '金额'"
    )


# ---- which encoding


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("gbk", ""),
        ("gb18030", ""),
        ("utf-16", ""),
        ("utf-16-le", "utf-16le"),
        ("utf-16-be", "UTF-16BE"),
        ("gb18030", "gb18030"),
    ],
)
def test_the_encodings_of_offices_are_read(encoding: str, charset: str) -> None:
    [row] = rows_of(
        CSV_FILE.replace("张三", "张㐂").encode(encoding, "ignore"), "text/csv", charset
    )
    assert said(row)["payee_acct_name"] in ("张㐂", "张")  # GBK has no place for the second
    [marked] = rows_of("\ufeff".encode("utf-16-be") + CSV_FILE.encode("utf-16-be"))
    assert said(marked)["payee_acct_name"] == "张三"


def test_a_character_that_no_bank_takes_is_named_with_its_line(http: HttpTreasury) -> None:
    content = CSV_FILE.replace("张三", "𠮷三").encode("gb18030")
    problem = HttpRun(http).load(content).json()
    [error] = problem["errors"]
    assert (error["line"], error["column"]) == (2, "payee_acct_name")
    assert "'𠮷三' was read" in error["detail"]


def test_another_encoding_is_refused_as_what_it_is() -> None:
    assert "NUL characters" in refused(CSV_FILE.encode("utf-16-le"))
    broken = CSV_FILE.encode() + b"\xff\xff\xff,"
    assert "neither UTF-8 nor GB18030" in refused(broken)
    assert "not utf-16: UTF-16 stream does not start with BOM" in refused(
        CSV_FILE.encode(), charset="utf-16"
    )


def test_an_old_or_protected_spreadsheet_is_called_so() -> None:
    old = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
    assert "an .xls or is protected by a password" in refused(old, XLSX)
    [row] = rows_of(saved(("表", "visible", PAID)), "text/csv")  # whatever it was called
    assert said(row)["payee_acct_name"] == "张三"


# ---- what a cell says


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (435, "435.00"),
        (434.99999999999994, "435.00"),  # shown as 435.00, and refused
        (0.1 + 0.2, "0.30"),
        (1.1 * 3, "3.30"),
        (1000.0004, "1000.00"),
        (99999999999.99, "99999999999.99"),
        (8765432101234.56, "8765432101234.56"),
        (434.994, "434.994"),
        (10.005, "10.005"),
        (0.001, "0.001"),
        (1234567.894, "1234567.894"),  # less than a millionth off, and yet a third decimal
        (1e300 * 1e300, "inf"),
    ],
)
def test_a_number_is_the_amount_whose_rest_of_calculating_it_is(number: float, text: str) -> None:
    assert amount_text(number) == text


@pytest.mark.parametrize("value", ["nan", "inf", "1_000.5", "１２.５", "0x1F", " 1.5", "1e9999"])
def test_what_python_would_take_for_a_number_is_none(value: str) -> None:
    with pytest.raises(RequestError, match="row 2, column 1 has a value of kind 'n'"):
        list(read_sheet(book(f'{SHEET_HEADER}<row r="2"><c><v>{value}</v></c></row>')))


def test_a_cell_that_is_no_text_is_named_with_what_was_read(http: HttpTreasury) -> None:
    cells = [
        (6.222e18, "payee_acct_no", "the number 6.222e+18 was read"),
        (True, "payee_acct_no", "a truth value was read, True"),
    ]
    for value, column, reason in cells:
        content = saved(("表", "visible", [TITLES, (PAYEE[0], value, PAYEE[2], 1)]))
        [error] = HttpRun(http).load(content, XLSX).json()["errors"]
        assert (error["line"], error["column"]) == (2, column)
        assert reason in error["detail"]
    failed = '<row r="2"><c r="A2" t="e"><v>#N/A</v></c></row>'
    names = "".join(f'<c t="inlineStr"><is><t>{title}</t></is></c>' for title in TITLES)
    [row] = rows_of(book(f'<row r="1">{names}</row>{failed}').getvalue(), XLSX)
    assert row.column == "payee_acct_name"
    assert row.problem == "the spreadsheet failed here, '#N/A' was read"


def test_an_escaped_line_end_is_dropped_at_an_end_and_refused_within(http: HttpTreasury) -> None:
    names = "".join(f'<c t="inlineStr"><is><t>{title}</t></is></c>' for title in TITLES)

    def sheet(name: str) -> bytes:
        texts = [f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in (name, *PAYEE[1:])]
        return book(f"<row>{names}</row><row>{''.join(texts)}<c><v>1</v></c></row>").getvalue()

    [row] = rows_of(sheet("张三_x000D_\n"), XLSX)
    assert said(row)["payee_acct_name"] == "张三"
    for name in ("张三_x000D_李四", "张三_x005F_x000D_", "张_xD83D_三"):
        [error] = HttpRun(http).load(sheet(name), XLSX).json()["errors"]
        assert (error["line"], error["column"]) == (2, "payee_acct_name"), error
    in_csv = CSV_FILE.replace("张三", "张三_x000D_").encode()
    [error] = HttpRun(http).load(in_csv).json()["errors"]
    assert "'_x000D_'" in error["detail"]


def test_half_a_character_among_the_shared_texts_does_no_harm() -> None:
    texts = "<si><t>_xD83D_</t></si>"
    [row] = read_sheet(book('<row><c t="s"><v>0</v></c></row>', texts=texts))
    assert row.cells == ["\ud83d"]


def test_a_key_that_stands_twice_in_a_line_is_refused() -> None:
    line = (
        '{"payee_acct_name":"张三","payee_acct_no":"6222000000000000001",'
        '"payee_acct_no":"6222000000000000002","payee_acct_bank_name":"样例银行","pay_amt":"1.00"}'
    )
    [row] = rows_of(line.encode(), "application/x-ndjson")
    assert (row.column, row.problem) == ("payee_acct_no", "payee_acct_no stands there twice")


# ---- what would fill the memory, or hold a thread


def test_a_part_that_was_packed_beyond_reason_is_not_unpacked() -> None:
    """250 MB of one cell came in 239 KB, and took 1.5 GB."""
    bomb = book("", texts=f"<si><t>{'x' * 100_000_000}</t></si>")
    with pytest.raises(RequestError) as caught:
        list(read_sheet(bomb))
    assert caught.value.code is Code.TOO_MANY_ITEMS


def test_tags_and_bytes_are_bounded_over_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"<row>{'<c/>' * 100}</row>" for _ in range(10))
    assert len(list(read_sheet(book(rows)))) == 10
    for bound, most in (("TAGS_MAX", 1000), ("UNPACKED_BYTES_MAX", 3000)):
        with monkeypatch.context() as patched:
            patched.setattr(workbook, bound, most)
            with pytest.raises(RequestError) as caught:
                list(read_sheet(book(rows)))
            assert caught.value.code is Code.TOO_MANY_ITEMS


def test_a_list_of_parts_that_is_no_list_is_not_read() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(10_000):
            archive.writestr(f"{number:060d}", b"")
    assert refused(file.getvalue(), XLSX) == "the spreadsheet has more parts than any has"


def test_a_row_of_lines_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "ROW_CHARACTERS_MAX", 10_000)
    endless = CSV_FILE + '"\n",' * 20_000
    assert "has no end" in refused(endless.encode())


# ---- results


HARMED = {
    "6222000000000000001": "\t6222000000000000001",
    "007": "\t007",
    "3-1": "\t3-1",
    "1E5": "\t1E5",
    "MAR-1": "\tMAR-1",
    "=1+1": "'=1+1",
    "+86": "'+86",
    "-2": "'-2",
    "@SUM(A1)": "'@SUM(A1)",
    "99999999999999999.00": "\t99999999999999999.00",
}
UNHARMED = ["10.00", "0.00", "42", "0", "张三", "D7", "RUN-000001", "", "账号户名不符"]


def test_what_a_spreadsheet_would_change_is_marked_and_nothing_else() -> None:
    assert {text: guarded(text) for text in HARMED} == HARMED
    assert [guarded(text) for text in UNHARMED] == UNHARMED
    [cells] = csv.reader(io.StringIO(csv_rows([list(HARMED)]).decode()))
    assert [cell.lstrip("\t'") for cell in cells] == list(HARMED)


def test_a_workbook_of_results_holds_texts_as_texts() -> None:
    texts = [*HARMED, "张三_x000D_", "<&>\"'", "a\x0bb"]
    file = io.BytesIO()
    with WorkbookWriter(file) as writer:
        writer.write([[*texts, "435.00", 7]])
    [cells] = openpyxl.load_workbook(file).active.iter_rows()
    found = [(cell.value, cell.data_type) for cell in cells]
    assert [value for value, _ in found[: len(HARMED)]] == list(HARMED)
    assert {kind for _, kind in found[: len(texts)]} == {"s"}
    assert found[-2:] == [(435, "n"), (7, "n")]
    assert cells[0].number_format == "@"
    [row] = read_sheet(file)
    assert row.cells[len(HARMED) : len(texts)] == ["张三_x000D_", "<&>\"'", "a\ufffdb"]


def test_results_come_as_files_with_every_account_whole(http: HttpTreasury) -> None:
    run = HttpRun(http)
    http.ok(run.load(csv_of(3)))
    content = http.get(f"{run.path}/results.csv").content
    assert content.startswith(b"\xef\xbb\xbf")
    table = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["payee_acct_no"] for row in table] == [f"\t{account(n)}" for n in (1, 2, 3)]
    answer = http.get(f"{run.path}/results.xlsx")
    assert answer.headers["content-type"] == XLSX
    names, *rows = openpyxl.load_workbook(io.BytesIO(answer.content)).active.iter_rows(
        values_only=True
    )
    place = names.index("payee_acct_no")
    assert [row[place] for row in rows] == [account(n) for n in (1, 2, 3)]

"""Spreadsheets of payees: read as they are shown, and refused by row where they attack."""

import io
import zipfile
from collections.abc import Callable
from html import escape
from typing import Any

import openpyxl
import pytest

from ledger.errors import Code, RequestError
from ledger.files import workbook
from ledger.files.rows import read_rows
from ledger.files.spreadsheet import COLUMNS_MAX, CellError, Dated, SheetRow, read_sheet
from payments.disbursement.validation import LAYOUT

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TRANSITIONAL = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
)
STRICT = (
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>pay_amt</t></is></c></row>'


def relations(*related: tuple[str, str, str], space: str = TRANSITIONAL[1]) -> str:
    items = [
        f'<Relationship Id="{key}" Type="{space}/{kind}" Target="{part}"/>'
        for key, kind, part in related
    ]
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{package}">{"".join(items)}</Relationships>'


def book(
    rows: str,
    *,
    texts: str = "",
    styles: str = "",
    spaces: tuple[str, str] = TRANSITIONAL,
    **changed: str,
) -> io.BytesIO:
    """A workbook of its parts; ``rows`` stand in its second sheet, the first is a chart."""
    main, relation = spaces
    parts = {
        "_rels/.rels": relations(("a", "officeDocument", "xl/workbook.xml"), space=relation),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relation}"><sheets>'
        '<sheet name="图" sheetId="1" r:id="c"/><sheet name="表" sheetId="2" r:id="s"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations(
            ("c", "chartsheet", "chartsheets/sheet1.xml"),
            ("s", "worksheet", "/xl/worksheets/sheet1.xml"),
            ("t", "sharedStrings", "sharedStrings.xml"),
            ("f", "styles", "styles.xml"),
            space=relation,
        ),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData>'
        "</worksheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">{texts}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}">{styles}</styleSheet>',
    } | changed
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    file.seek(0)
    return file


def cells(rows: str, **parts: Any) -> list[Any]:
    """The cells of the only row."""
    [row] = read_sheet(book(rows, **parts))
    return row.cells


def refusal(file: io.BytesIO) -> str:
    with pytest.raises(RequestError) as refused:
        list(read_sheet(file))
    assert refused.value.code is Code.MALFORMED
    return refused.value.detail


# ---- what is read


def test_what_another_program_wrote_is_read() -> None:
    written = openpyxl.Workbook()
    written.active.append(["收款人", "001", None, 12, 12.5, True])
    file = io.BytesIO()
    written.save(file)
    assert list(read_sheet(file)) == [SheetRow(1, ["收款人", "001", None, 12, 12.5, True])]


@pytest.mark.parametrize("spaces", [TRANSITIONAL, STRICT])
def test_shared_texts_are_what_is_shown(spaces: tuple[str, str]) -> None:
    texts = (
        "<si><t>甲</t></si>"
        '<si><r><rPr><b/></rPr><t xml:space="preserve">乙 </t></r><r><t>单位</t></r></si>'
        "<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh></si>"
        "<si><t>a_x0009_b_x005F_</t></si><si/>"
    )
    row = "".join(f'<c t="s"><v>{number}</v></c>' for number in range(5))
    assert cells(f"<row>{row}</row>", texts=texts, spaces=spaces) == [
        "甲",
        "乙 单位",
        "東京",
        "a\tb_",
        "",
    ]


def test_a_formula_counts_as_its_last_result() -> None:
    row = (
        '<row r="1"><c r="A1"><f>1+1</f><v>2</v></c>'
        '<c r="B1" t="str"><f>A1&amp;"x"</f><v>2x</v></c>'
        '<c r="C1"><f>A2</f></c><c r="D1" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    )
    assert cells(row) == [2, "2x", None, CellError("#DIV/0!")]


def test_rows_and_columns_that_are_left_out_are_counted_and_not_made() -> None:
    rows = f'{HEADER}<row r="1048576"><c r="C1048576"><v>1</v></c></row>'
    assert list(read_sheet(book(rows))) == [
        SheetRow(1, ["pay_amt"]),
        SheetRow(1_048_576, [None, None, 1]),
    ]


def test_a_number_shown_as_a_date_is_none() -> None:
    formats = {
        "14": "",
        "31": "",  # yyyy"年"m"月"d"日", built in
        "164": 'yyyy"-"mm',
        "165": "[h]:mm",
        "4": "",
        "166": '#,##0.00"元";[Red]-#,##0.00"元"',
        "167": r"_ * #,##0.00_ ;\d0",
    }
    custom = "".join(
        f'<numFmt numFmtId="{key}" formatCode="{escape(code)}"/>'
        for key, code in formats.items()
        if code
    )
    styles = (
        f"<numFmts>{custom}</numFmts><cellStyleXfs><xf numFmtId='14'/></cellStyleXfs><cellXfs>"
        + "".join(f"<xf numFmtId='{key}'/>" for key in formats)
        + "</cellXfs>"
    )
    row = "".join(f'<c s="{style}"><v>45992.5</v></c>' for style in range(len(formats)))
    dates = [isinstance(cell, Dated) for cell in cells(f"<row>{row}</row>", styles=styles)]
    assert dates == [True, True, True, True, False, False, False]


def test_lines_are_named_by_their_rows_in_the_spreadsheet() -> None:
    names = ("payee_acct_name", "payee_acct_no", "payee_acct_bank_name", "pay_amt")
    header = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in names)
    text = '<c t="inlineStr"><is><t>甲</t></is></c>'
    rows = (
        f"<row>{header}</row><row r='4'>{text}<c><v>6222</v></c>{text}<c><v>1.5</v></c></row>"
        f"<row/><row r='9'>{text * 3}<c><v>2</v></c></row>"
    )
    found = [(row.file_line, bool(row.problem)) for row in read_rows(book(rows), XLSX, LAYOUT)]
    assert found == [(4, True), (9, False)]  # an account number that is a number is a problem


# ---- what is refused


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ('<row r="1048577"/>', "row 1048577: a sheet has at most 1048576 rows"),
        ('<row r="99999999999"/>', "after row 1: a row has the number '99999999999'"),
        ('<row r="-1"/>', "after row 1: a row has the number '-1'"),
        ('<row r="7"/><row r="7"/>', "row 7 stands after row 7"),
        ('<row r="2"><c r="XFD2"/></row>', "row 2 has more than 256 columns"),
        ('<row r="2"><c r="ZZZZZZ2"/></row>', "row 2: a cell is named 'ZZZZZZ2'"),
        ('<row r="2"><c r="B2"/><c r="A2"/></row>', "row 2: cell A2 stands after column 2"),
        ('<row r="2"><c r="B3"/></row>', "row 2: a cell is named 'B3'"),
        (f'<row r="2">{"<c/>" * 100_000}</row>', "row 2 has more than 256 columns"),
        ('<row><c t="s"><v>9</v></c></row>', "row 2, column 1 has a value of kind 's': '9'"),
        (
            '<row r="2"><c t="s"><v>-1</v></c></row>',
            "row 2, column 1 has a value of kind 's': '-1'",
        ),
        ('<row r="2"><c><v>ten</v></c></row>', "row 2, column 1 has a value of kind 'n': 'ten'"),
        (
            f'<row r="2"><c t="str"><v>{"x" * 40_000}</v></c></row>',
            "row 2, column 1 has more than 32767 characters",
        ),
    ],
)
def test_what_no_spreadsheet_has_is_refused_with_its_row(rows: str, reason: str) -> None:
    assert refusal(book(HEADER + rows)) == reason


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (lambda: book("".join(f"<n{n}/>" for n in range(2000))), "tags as no spreadsheet has them"),
        (
            lambda: book("".join(f'<row a{n}=""/>' for n in range(2000))),
            "tags as no spreadsheet has them",
        ),
        (lambda: book("<a>" * 100 + "</a>" * 100), "tags as no spreadsheet has them"),
        (lambda: book(f'<row r="{"1" * 3_000_000}"/>'), "a tag without end"),
        (lambda: book(" " * 3_000_000), "a tag without end"),
        (lambda: book("", texts=f"<si><t>{'x' * 40_000}</t></si>"), "more than 32767 characters"),
        (lambda: book("", styles=f"<cellXfs>{'<xf/>' * 70_000}</cellXfs>"), "65536 styles"),
        (lambda: book("<row>"), "damaged: mismatched tag"),
        (lambda: book("", **{"xl/workbook.xml": "<workbook/>"}), "has no sheet"),
        (lambda: book("", **{"_rels/.rels": relations()}), "has no sheet"),
        (lambda: io.BytesIO(book(HEADER).getvalue()[:-50]), "damaged"),
        (lambda: io.BytesIO(b"PK\x03\x04"), "damaged"),
    ],
)
def test_what_is_damaged_or_beyond_all_bounds_is_refused(
    file: Callable[[], io.BytesIO], reason: str
) -> None:
    assert reason in refusal(file())


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
def test_a_part_that_unpacks_to_too_much_is_not_unpacked(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "UNPACKED_BYTES_MAX", 1_000_000)
    with pytest.raises(RequestError) as refused:
        list(read_sheet(book(HEADER, **{part: " " * 1_000_001})))
    assert refused.value.code is Code.TOO_MANY_ITEMS


def test_texts_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "TEXTS_MAX", 1000)
    assert refusal(book("", texts="<si/>" * 1001)) == "the spreadsheet has more than 1000 texts"


def test_entities_are_not_taken() -> None:
    sheet = f'<!DOCTYPE worksheet [<!ENTITY a "{"x" * 1000}">]><worksheet>&a;</worksheet>'
    declared = book("", **{"xl/worksheets/sheet1.xml": sheet})
    assert refusal(declared) == "a part of the spreadsheet declares a document type"


def test_a_row_may_have_as_many_columns_as_are_read() -> None:
    assert len(cells(f"<row>{'<c><v>1</v></c>' * COLUMNS_MAX}</row>")) == COLUMNS_MAX

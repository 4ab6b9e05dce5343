"""A statement as a workbook or a page to print: title, head, the lines with their amounts."""

import io
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from html import escape
from xml.sax.saxutils import escape as xml_escape

from api.http.statement_views import StatementView
from ledger.errors import Code, RequestError


class StatementFormat(StrEnum):
    """How a statement is given out 报表格式."""

    JSON = "json"
    XLSX = "xlsx"
    HTML = "html"


MEDIA = {
    StatementFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    StatementFormat.HTML: "text/html; charset=utf-8",
}
_UNIT = "单位：元"
_NAME_WIDTH, _LINE_WIDTH, _AMOUNT_WIDTH = 44, 6, 20  # in characters
_DIGITS_MAX = 15  # of a double: an amount with more is written as text


def format_of(text: str) -> StatementFormat:
    """Raises ``malformed`` for one that there is not."""
    if text not in set(StatementFormat):
        raise RequestError(
            Code.MALFORMED, f"format is one of {', '.join(StatementFormat)}", pointer="/format"
        )
    return StatementFormat(text)


def write_file(form: StatementFormat, view: StatementView) -> bytes:
    """The statement as a file of this form."""
    return _workbook(view) if form is StatementFormat.XLSX else _page(view).encode()


def _prepared_by(view: StatementView) -> str:
    """编制单位: the unit, or the ledger."""
    return " ".join(part for part in (view.agency_code, view.agency_name) if part) or view.ledger


def _day(view: StatementView) -> str:
    year, month, day = view.through.split("-")
    return f"{year}年{int(month)}月{int(day)}日"


def _cells(view: StatementView) -> Iterator[tuple[str, int, str, list[str]]]:
    """Of each line its name, depth, number and amounts, "" for an empty cell."""
    for row in view.rows:
        amounts = [row.get(column.name, "") for column in view.columns]
        yield row["name"], row["depth"], row["line"], amounts


# ---- a page


_STYLE = """
@page { size: A4; margin: 15mm }
body { font-family: SimSun, "Noto Serif CJK SC", serif; font-size: 10.5pt; margin: 1em auto }
h1 { font-size: 16pt; text-align: center; margin: 0 0 .5em }
.head { display: flex; justify-content: space-between; margin-bottom: .3em }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #000; padding: 2px 6px }
tr { break-inside: avoid } thead { display: table-header-group }
.no { text-align: center } .amt { text-align: right; white-space: nowrap }
.wrong { font-weight: bold } ul { list-style: none; padding: 0; font-size: 9pt }
"""
_WRONG = ' class="wrong"'


def _page(view: StatementView) -> str:
    heads = "".join(f"<th>{escape(column.title)}</th>" for column in view.columns)
    rows = "\n".join(
        f'<tr><td style="padding-left: {depth + 0.5}em">{escape(name)}</td>'
        f'<td class="no">{number}</td>'
        + "".join(f'<td class="amt">{_grouped(amount)}</td>' for amount in amounts)
        + "</tr>"
        for name, depth, number, amounts in _cells(view)
    )
    checks = "\n".join(
        f"<li{'' if check.holds else _WRONG}>{escape(check.name)}: "
        f"{_grouped(check.left)} {'=' if check.holds else '≠'} {_grouped(check.right)}</li>"
        for check in view.checks
    )
    return f"""<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(view.title)}</title>
<style>{_STYLE}</style></head><body>
<h1>{escape(view.title)}</h1>
<div class="head"><span>{escape(view.form)}</span></div>
<div class="head"><span>编制单位：{escape(_prepared_by(view))}</span>
<span>{_day(view)}</span><span>{_UNIT}</span></div>
<table><thead><tr><th>项目</th><th>行次</th>{heads}</tr></thead>
<tbody>
{rows}
</tbody></table>
<ul>{checks}</ul>
</body></html>
"""


def _grouped(amount: str) -> str:
    """``1,234.56``; an empty cell stays empty."""
    return f"{Decimal(amount):,}" if amount else ""


# ---- a workbook


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_BORDER = "".join(f'<{side} style="thin"/>' for side in ("left", "right", "top", "bottom"))
# cell styles, by their place in cellXfs; a name's style is the first of its depth
_PLAIN, _TITLE, _HEAD, _NUMBER, _AMOUNT, _RIGHT, _NAME = range(7)
_DEPTH_MAX = 4
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}">'
    '<fonts count="3"><font><sz val="11"/><name val="宋体"/></font>'
    '<font><b/><sz val="16"/><name val="宋体"/></font>'
    '<font><b/><sz val="11"/><name val="宋体"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    f'<borders count="2"><border/><border>{_BORDER}</border></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
    f'<cellXfs count="{_NAME + _DEPTH_MAX + 1}"><xf/>'
    '<xf fontId="1" applyFont="1" applyAlignment="1"><alignment horizontal="center"/></xf>'
    '<xf fontId="2" borderId="1" applyFont="1" applyBorder="1" applyAlignment="1">'
    '<alignment horizontal="center"/></xf>'
    '<xf borderId="1" applyBorder="1" applyAlignment="1"><alignment horizontal="center"/></xf>'
    '<xf numFmtId="4" borderId="1" applyNumberFormat="1" applyBorder="1"/>'
    '<xf applyAlignment="1"><alignment horizontal="right"/></xf>'
    + "".join(
        '<xf borderId="1" applyBorder="1" applyAlignment="1">'
        f'<alignment horizontal="left" indent="{depth}"/></xf>'
        for depth in range(_DEPTH_MAX + 1)
    )
    + '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>'
    "</cellStyles></styleSheet>"
)
_SHEET = "xl/worksheets/sheet1.xml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
    'relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>'
    f'<Override PartName="/{_SHEET}" ContentType="{_KIND}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="b" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="s" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="f" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": _STYLES,
}


def _workbook(view: StatementView) -> bytes:
    file = io.BytesIO()
    sheet_name = xml_escape(view.title[:31], {'"': "&quot;"})
    workbook = (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{sheet_name}" sheetId="1" r:id="s"/></sheets></workbook>'
    )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**_PARTS, "xl/workbook.xml": workbook, _SHEET: _sheet(view)}.items():
            archive.writestr(name, _DECLARATION + content)
    return file.getvalue()


def _sheet(view: StatementView) -> str:
    """Title, form and head above; the columns' titles; a row to each line."""
    width = 2 + len(view.columns)
    last = chr(ord("A") + width - 1) if width <= 26 else "Z"
    blank = [("", _PLAIN)] * (width - 3)
    rows: list[list[tuple[str, int]]] = [
        [(view.title, _TITLE)],
        [*([("", _PLAIN)] * (width - 1)), (view.form, _RIGHT)],
        [
            (f"编制单位：{_prepared_by(view)}", _PLAIN),
            (_day(view), _PLAIN),
            *blank,
            (_UNIT, _RIGHT),
        ],
        [("项目", _HEAD), ("行次", _HEAD), *((column.title, _HEAD) for column in view.columns)],
    ]
    for name, depth, number, amounts in _cells(view):
        named = (name, _NAME + min(depth, _DEPTH_MAX))
        rows.append([named, (number, _NUMBER), *((amount, _AMOUNT) for amount in amounts)])
    body = "".join(f"<row>{''.join(_cell(*cell) for cell in row)}</row>" for row in rows)
    columns = "".join(
        f'<col min="{at}" max="{at}" width="{size}" customWidth="1"/>'
        for at, size in enumerate(
            (_NAME_WIDTH, _LINE_WIDTH, *[_AMOUNT_WIDTH] * len(view.columns)), 1
        )
    )
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="4" topLeftCell="A5" '
        'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{columns}</cols><sheetData>{body}</sheetData>"
        f'<mergeCells count="1"><mergeCell ref="A1:{last}1"/></mergeCells>'
        '<pageSetup paperSize="9" fitToHeight="0"/></worksheet>'
    )


def _cell(text: str, style: int) -> str:
    """An amount as a number while a double holds it, everything else as text."""
    if style == _AMOUNT and text and len(text) <= _DIGITS_MAX:
        return f'<c s="{style}"><v>{text}</v></c>'
    if not text:
        return f'<c s="{style}"/>'
    shown = xml_escape(text)
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'

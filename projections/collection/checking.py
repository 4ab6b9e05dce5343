"""What is wrong with a collected row: its form, and the codes that the receiver does not have."""

from collections.abc import Iterator
from datetime import date, datetime

from ledger.elements.code_sets import CodeSets, ElementRegister
from ledger.errors import GuokuError
from projections.collection.collected import (
    ALIVE,
    AMOUNT,
    DAY,
    DELETED,
    FLAG,
    GONE,
    MOMENT,
    UNIVERSAL,
    WHOLE,
    CollectedTable,
)
from projections.collection.package import CollectedRow, CollectionHeader, fen_of

RowFault = tuple[str, str, str]  # rule, element, a sentence


def faults(
    table: CollectedTable | None, row: CollectedRow, header: CollectionHeader, codes: CodeSets
) -> Iterator[RowFault]:
    """What is wrong with a row of a file, one after the other."""
    if table is None:
        yield "unknown_table", "", f"no table {row.table[:40]!r} is collected"
        return
    own = (header.mof_div_code, header.fiscal_year)
    if tuple(row.row.get(name) for name in UNIVERSAL[:2]) != own:
        yield "other_ledger", UNIVERSAL[0], "it is of another division or year"
    if row.row.get(DELETED) not in (ALIVE, GONE):
        yield "value_malformed", DELETED, "it is 1 是 or 2 否"
    if row.key != tuple(row.row.get(name, "") for name in table.key):
        yield "value_malformed", table.key[0], "it is not what the row says of itself"
    for name in table.key:
        if not row.row.get(name):
            yield "value_missing", name, "it tells the row apart"
    for name, text in row.row.items():
        if name in UNIVERSAL:
            continue
        kind = table.kinds.get(name)
        if kind is None:
            yield "unknown_element", name, f"{row.table} has no such element"
        elif not _fits(kind, text):
            yield "value_malformed", name, f"{text[:30]!r} is no {kind}"
    if not row.is_deleted:
        yield from _unknown_codes(row, header, codes)


def _unknown_codes(
    row: CollectedRow, header: CollectionHeader, codes: CodeSets
) -> Iterator[RowFault]:
    """Codes of an indicator that this division's own code sets do not have on its day."""
    if row.table != "BA_BGT_INFO" or "DOC_DATE" not in row.row:
        return
    day = date.fromisoformat(row.row["DOC_DATE"])
    for name, text in row.row.items():
        element = ElementRegister.ELEMENTS.get(name.lower())
        if element is None or not element.code_set or name in ("AGENCY_CODE", "PRO_CODE"):
            continue
        try:
            codes.check(element.name, text, on=day, mof_div_code=header.mof_div_code)
        except GuokuError as error:
            yield "code_unknown", name, error.detail


def _fits(kind: str, text: str) -> bool:
    try:
        if kind == AMOUNT:
            fen_of(text)
        elif kind == DAY:
            return date.fromisoformat(text).isoformat() == text
        elif kind == MOMENT:
            return datetime.fromisoformat(text).utcoffset() is not None
        elif kind == WHOLE:
            return str(int(text)) == text
        elif kind == FLAG:
            return text in (ALIVE, GONE)
    except ValueError:
        return False
    return True

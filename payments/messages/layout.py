"""What all vouchers share: a main form, a list of details, and each form's elements in order.

A form is given by the names of its elements, as the interface standard writes them. Where a struct
has the field, its name is the element's in snake_case (``PayeeAcctName`` -> ``payee_acct_name``);
an element that nobody fills is written empty, because receivers look for it.
"""

import datetime as dt
import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec

from ledger.errors import Code, Refusal
from ledger.money import FEN_PER_YUAN, INTEGER_DIGITS_MAX, yuan
from payments.messages.reader import leaves, malformed, read_document

DETAILS_MAX = 499  # receivers refuse a voucher of 500 details and more
AMOUNT_FEN_END = 10**INTEGER_DIGITS_MAX * FEN_PER_YUAN

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def field_name(tag: str) -> str:
    """``MOFDepCode`` -> ``mof_dep_code``."""
    return _WORD.sub("_", tag).lower()


class Form:
    """The elements of a main form or of a detail.

    Args:
        tags: the elements' names, in order, separated by white space.
        struct: whose text fields fill elements of the same name.
    """

    def __init__(self, tags: str, struct: type[msgspec.Struct]) -> None:
        self.tags = tuple(tags.split())
        text_fields = {f.name for f in msgspec.structs.fields(struct) if f.type is str}
        self.text_names = tuple(t for t in map(field_name, self.tags) if t in text_fields)
        assert len(self.text_names) == len(text_fields), "a text field without an element"
        self.text_tags = tuple(t for t in self.tags if field_name(t) in text_fields)
        self.values = attrgetter(*self.text_names)  # of the struct's text fields
        self._empty = dict.fromkeys(self.tags, "")

    def row(self, source: Any) -> dict[str, str]:
        """Element to text: the struct's text fields, and "" for every other element."""
        return self._empty | dict(zip(self.text_tags, self.values(source), strict=True))

    def texts(self, row: dict[str, str]) -> dict[str, str]:
        """The reverse: the struct's text fields, by field name."""
        return {name: row[tag] for name, tag in zip(self.text_names, self.text_tags, strict=True)}

    def check_complete(self, row: dict[str, str], pointer: str) -> None:
        """Every element there, and no other."""
        for tag in self.tags:
            if tag not in row:
                raise malformed(f"{tag} is missing", f"{pointer}/{tag}")
        for tag in row:
            if tag not in self._empty:
                raise malformed(f"{tag} is not known here", f"{pointer}/{tag}")


def read_voucher(
    data: bytes, *, answered: bool = False, least: int = 1
) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The rows of the main form and of the details, whatever elements they hold.

    Args:
        answered: whether it is a bank's, whose free text is read as far as it can be.
        least: how many details it has at least.

    Raises:
        RequestError: ``malformed``.
    """
    root = read_document(data, "Voucher", declared=False, answered=answered)
    main = leaves(root, "", besides="DetailList")
    lists = root.findall("DetailList")
    if len(lists) != 1:
        raise malformed("DetailList must be there once", "/DetailList")
    details = []
    for index, element in enumerate(lists[0]):
        pointer = detail_pointer(index)
        if element.tag != "Detail":
            raise malformed("DetailList holds something that is not a Detail", pointer)
        details.append(leaves(element, pointer))
    if not least <= len(details) <= DETAILS_MAX:
        raise malformed(f"a voucher has {least} to {DETAILS_MAX} details", "/DetailList")
    return main, details


def detail_pointer(index: int) -> str:
    """Where the detail stands, for errors: counted from 0."""
    return f"/DetailList/{index}"


def check_agrees(written: dict[str, str], received: dict[str, str], pointer: str) -> None:
    """A row received must say what we would have written from the fields read out of it.

    It catches at once what a field-by-field reader misses: a derived code that contradicts its
    source, and text in an element that must be empty and would be lost.
    """
    if written == received:
        return
    for tag, text in written.items():
        if received[tag] != text:
            raise malformed(
                f'{tag} is "{received[tag]}" where "{text}" follows from the other fields',
                f"{pointer}/{tag}",
            )


def check_head(id_: str, voucher_no: str, adm_div_code: str, st_year: int) -> None:
    """What names a voucher: without it neither bank nor hub can take it in.

    Raises:
        RequestError: ``malformed``.
    """
    if not id_:
        raise malformed("Id is empty", "/Id")
    if not voucher_no:
        raise malformed("VoucherNo is empty", "/VoucherNo")
    if not (len(adm_div_code) == 6 and adm_div_code.isascii() and adm_div_code.isdigit()):
        raise malformed("AdmDivCode is not six digits", "/AdmDivCode")
    if not 1000 <= st_year <= 9999:
        raise malformed("StYear is not a year of four digits", "/StYear")


def check_details(pay_amt_fen: int, details: Sequence[tuple[str, int]]) -> None:
    """The receivers' own checks, made before sending: number, ids, amounts and their sum.

    Args:
        pay_amt_fen: the voucher's amount.
        details: id and amount in fen of each.

    Raises:
        Refusal: ``details_mismatch``.
    """
    if not 1 <= len(details) <= DETAILS_MAX:
        raise _details(f"a voucher has 1 to {DETAILS_MAX} details, not {len(details)}")
    seen: set[str] = set()
    for index, (id_, amount_fen) in enumerate(details):
        if not id_ or id_ in seen:
            raise _details(
                f'the detail id "{id_}" is empty or there twice', f"{detail_pointer(index)}/Id"
            )
        if amount_fen <= 0:
            raise _details("a detail's amount is not positive", f"{detail_pointer(index)}/PayAmt")
        seen.add(id_)
    total_fen = sum(amount_fen for _, amount_fen in details)
    if total_fen != pay_amt_fen:
        raise _details(
            f"the details sum to {yuan(total_fen)}, the voucher to {yuan(pay_amt_fen)}", "/PayAmt"
        )
    if total_fen >= AMOUNT_FEN_END:
        raise _details("the amount has more than 16 integer digits", "/PayAmt")


def compact_date(date: dt.date) -> str:
    """``YYYYMMDD``, four digits of year whatever the platform."""
    return date.isoformat().replace("-", "")


def _details(detail: str, pointer: str = "/DetailList") -> Refusal:
    return Refusal(Code.DETAILS_MISMATCH, detail, pointer=pointer)

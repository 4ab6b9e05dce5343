"""Code sets (代码集): which codes hold where and when.

A code set is data: its rows hold for a division and all below it, for a fiscal year, between two
dates. Nothing here does I/O: ``ledger.elements.files`` parses files,
``ledger.elements.stored_code_sets`` reads and loads. What an element may hold at all is in
``ledger.elements.register``.
"""

from collections.abc import Iterable, Set
from datetime import date
from typing import NamedTuple

from ledger.elements.register import ECO_PAIR, FUND_PAIR, ElementRegister
from ledger.errors import Code, Refusal
from ledger.gm import sm3

__all__ = ["CodeRow", "CodeSets", "ElementRegister"]

VERSION_HEX_DIGITS = 16
_SPECIAL_FUNDS = "2"  # 财政专户管理资金 and what is below it
_UNIT_FUNDS = "3"  # 单位资金 likewise
CHECKED_MAX = 50_000  # codes that were found in force and are remembered
# Units and projects are each division's own: until it has loaded them, only their shape is checked.
OPEN_ELEMENTS = frozenset({"agency_code", "pro_code"})


class CodeRow(NamedTuple):
    """One code of a code set (基础代码集, generic table of the standard; domain 1.6).

    ``mof_div_code`` "" is national, else the row holds for that division and those below it;
    ``fiscal_year`` "" is every year. Both dates are included.
    """

    element: str
    code: str
    name: str
    parent: str = ""
    is_leaf: bool = True
    is_enabled: bool = True
    start_date: date = date.min
    end_date: date = date.max
    mof_div_code: str = ""
    fiscal_year: str = ""
    is_standard: bool = True

    @property
    def key(self) -> tuple[str, str, str, str, date]:
        """What tells it from every other row: a later row of the same key replaces it."""
        return self.element, self.code, self.mof_div_code, self.fiscal_year, self.start_date


def division_prefix(mof_div_code: str) -> str:
    """What the codes of a division and of all below it begin with; "" stays "".

    Levels are told by position, not by counting zeros: two digits are a province, four a city, six
    a county, nine a township. So ``440000000`` (44) covers ``440103000``, and ``440100000`` (4401)
    covers it too, but not ``440200000``.
    """
    for digits in (2, 4, 6):
        if not mof_div_code[digits:].strip("0"):
            return mof_div_code[:digits]
    return mof_div_code


class _Held(NamedTuple):
    division: str  # prefix
    year: int  # 0 is every year
    row: CodeRow


class CodeSets:
    """An immutable snapshot of all code sets.

    Of several rows for a code that hold on a day in a division the nearest decides: the lowest
    division, then a row of that very year, then the one that began last. So a local row overrides
    the national one while it holds, and may also disable it. A row's ancestors are not asked.

    Attributes:
        version: of just these rows; events name it.
        joins: whether it says which fund pays for which function. One that does not is of a time
            when codes of any level were issued and funds paid for everything; what was decided by
            it is judged so.
        joins_special: whether it says so of 财政专户管理资金, too. While none did, what the general
            budget pays for was theirs as well.
        joins_units: likewise of 单位资金.
    """

    __slots__ = (
        "_by_code",
        "_checked",
        "_children",
        "_given",
        "_joined",
        "_loaded_for",
        "_rows",
        "joins",
        "joins_special",
        "joins_units",
        "version",
    )

    def __init__(self, rows: Iterable[CodeRow]) -> None:
        latest = {row.key: row for row in rows}
        self._rows = tuple(latest[key] for key in sorted(latest))
        self._by_code: dict[tuple[str, str], list[_Held]] = {}
        self._checked: dict[tuple[str, str, date, str], str] = {}  # what was in force, once asked
        # several together, all of them in force
        self._given: set[tuple[tuple[str, ...], tuple[str, ...], date, str]] = set()
        # likewise of pairs whether they go together, and of codes ("", element, code) whether none
        # is below them
        self._joined: dict[tuple[str, str, str, date, str], bool] = {}
        self._children: dict[tuple[str, str], set[str]] = {}
        self._loaded_for = {(r.element, r.mof_div_code) for r in self._rows}
        for row in self._rows:
            held = _Held(division_prefix(row.mof_div_code), int(row.fiscal_year or 0), row)
            self._by_code.setdefault((row.element, row.code), []).append(held)
            if row.parent:
                self._children.setdefault((row.element, row.parent), set()).add(row.code)
        for several in self._by_code.values():
            several.sort(key=lambda h: (len(h.division), h.year, h.row.start_date), reverse=True)
        pairs = [row for row in self._rows if row.element == FUND_PAIR]
        self.joins = bool(pairs)
        # by the rows that are shipped: what a division has said of its own stood beside the former
        shipped = [row.code for row in pairs if not row.mof_div_code]
        self.joins_special = any(code.startswith(_SPECIAL_FUNDS) for code in shipped)
        self.joins_units = any(code.startswith(_UNIT_FUNDS) for code in shipped)
        content = "\n".join("\x1f".join(map(str, row)) for row in self._rows)
        self.version: str = sm3(content.encode()).hex()[:VERSION_HEX_DIGITS]

    def __repr__(self) -> str:
        return f"<CodeSets {self.version}: {len(self._rows)} rows>"

    def rows(self) -> tuple[CodeRow, ...]:
        """Every row, ordered by key."""
        return self._rows

    def codes(self) -> Set[tuple[str, str]]:
        """(element, code) of every row."""
        return self._by_code.keys()

    def rows_of(
        self,
        element: str,
        beginning: str = "",
        *,
        on: date | None = None,
        mof_div_code: str | None = None,
    ) -> list[CodeRow]:
        """The rows of an element, ordered by key, whose codes begin so.

        Args:
            on: only those whose days and year have this one.
            mof_div_code: only those that hold in this division.
        """
        return [
            row
            for row in self._rows
            if row.element == element
            and row.code.startswith(beginning)
            and (on is None or row.start_date <= on <= row.end_date)
            and (on is None or row.fiscal_year in ("", str(on.year)))
            and (mof_div_code is None or mof_div_code.startswith(division_prefix(row.mof_div_code)))
        ]

    def overlaid(self, rows: Iterable[CodeRow]) -> "CodeSets":
        """A snapshot in which these rows stand, over those with the same key."""
        return CodeSets([*self._rows, *rows])

    def find(self, element: str, code: str, *, on: date, mof_div_code: str) -> CodeRow | None:
        """The row that decides on that day in that division, enabled or not."""
        for division, year, row in self._by_code.get((element, code), ()):
            if (
                row.start_date <= on <= row.end_date
                and (not year or year == on.year)
                and mof_div_code.startswith(division)
            ):
                return row
        return None

    def name(self, element: str, code: str, *, on: date, mof_div_code: str) -> str:
        """The Chinese name on that day, also of a disabled code; "" where no code set has one."""
        row = self.find(element, code, on=on, mof_div_code=mof_div_code)
        return row.name if row else ""

    def check(
        self, element: str, code: str, *, on: date, mof_div_code: str, pointer: str = ""
    ) -> str:
        """The Chinese name of a code in force.

        Units and projects of a division that has loaded none are known by their shape only; their
        name is "".

        Raises:
            Refusal: ``element_invalid``, with what is wrong: unknown, disabled, another year's,
                another division's, or not on this day.
        """
        asked = (element, code, on, mof_div_code)
        if (known := self._checked.get(asked)) is not None:
            return known
        row = self.find(element, code, on=on, mof_div_code=mof_div_code)
        if row is not None and row.is_enabled:
            if len(self._checked) >= CHECKED_MAX:
                self._checked.clear()
            self._checked[asked] = row.name
            return row.name
        if row is None and self._is_open(element, mof_div_code):
            if ElementRegister.ELEMENTS[element].shape.fullmatch(code):
                return ""
            problem = "has not the shape of one"
        else:
            problem = self._problem(element, code, row, on, mof_div_code)
        title = ElementRegister.ELEMENTS[element].title
        raise Refusal(Code.ELEMENT_INVALID, f"{title} {code[:40]!a} {problem}", pointer=pointer)

    def check_given(
        self, elements: tuple[str, ...], codes: tuple[str, ...], *, on: date, mof_div_code: str
    ) -> None:
        """:meth:`check` of each code that is given, under the name of its element; one look-up for
        what was asked before. "" is none.

        Raises:
            Refusal: ``element_invalid``.
        """
        asked = (elements, codes, on, mof_div_code)
        if asked in self._given:
            return
        for element, code in zip(elements, codes, strict=True):
            if code:
                self.check(element, code, on=on, mof_div_code=mof_div_code, pointer=f"/{element}")
        if len(self._given) >= CHECKED_MAX:
            self._given.clear()
        self._given.add(asked)

    def check_leaf(
        self, element: str, code: str, *, on: date, mof_div_code: str, pointer: str = ""
    ) -> None:
        """That a code in force has no codes below it: only such a one is issued and paid.

        Raises:
            Refusal: ``element_invalid``, with the first of those below it.
        """
        asked = ("", element, code, on, mof_div_code)
        if (known := self._joined.get(asked)) is None:
            known = self._joined[asked] = self._is_leaf(element, code, on, mof_div_code)
        if known or not self.joins:
            return
        title = ElementRegister.ELEMENTS[element].title
        below = min(self._children.get((element, code), ()), default="")
        example = f", such as {below}" if below else ""
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"{title} {code} is a class of finer codes{example}; it takes one of those",
            pointer=pointer,
        )

    def _is_leaf(self, element: str, code: str, on: date, mof_div_code: str) -> bool:
        """By the codes below it that hold there and then; where none was ever listed, as its row
        says."""
        if (below := self._children.get((element, code))) is None:
            row = self.find(element, code, on=on, mof_div_code=mof_div_code)
            return row is None or row.is_leaf
        found = (self.find(element, child, on=on, mof_div_code=mof_div_code) for child in below)
        return not any(row is not None and row.is_enabled for row in found)

    def allowed_pair(
        self, gov_bgt_eco_code: str, dep_bgt_eco_code: str, *, on: date, mof_div_code: str
    ) -> bool:
        """Whether the government's and the department's economic class go together.

        A pair of classes holds for all below them, unless a nearer pair says otherwise; the
        government's side is followed up last. A pair that nobody lists is not allowed.
        """
        return self._go_together(ECO_PAIR, gov_bgt_eco_code, dep_bgt_eco_code, on, mof_div_code)

    def allowed_fund(
        self, fund_type_code: str, exp_func_code: str, *, on: date, mof_div_code: str
    ) -> bool:
        """Whether money of this fund may be spent on this function; as :meth:`allowed_pair`, the
        fund followed up last. Code sets without such pairs allow all of them."""
        return not self.joins or self._go_together(
            FUND_PAIR, fund_type_code, exp_func_code, on, mof_div_code
        )

    def _go_together(self, pair: str, one: str, other: str, on: date, mof_div_code: str) -> bool:
        """One look-up for what was asked before."""
        asked = (pair, one, other, on, mof_div_code)
        if (known := self._joined.get(asked)) is not None:
            return known
        if len(self._joined) >= CHECKED_MAX:
            self._joined.clear()
        self._joined[asked] = found = self._nearest(*asked)
        return found

    def _nearest(self, pair: str, one: str, other: str, on: date, mof_div_code: str) -> bool:
        for above_one in _with_ancestors(one, 1 if pair == FUND_PAIR else 2):
            for above_other in _with_ancestors(other, 2):
                code = f"{above_one}-{above_other}"
                row = self.find(pair, code, on=on, mof_div_code=mof_div_code)
                if row is not None:
                    return row.is_enabled
        return False

    def _is_open(self, element: str, mof_div_code: str) -> bool:
        return element in OPEN_ELEMENTS and self._loaded_for.isdisjoint(
            ((element, mof_div_code), (element, ""))
        )

    def _problem(
        self, element: str, code: str, row: CodeRow | None, on: date, mof_div_code: str
    ) -> str:
        if row is not None:
            return f"is not enabled (启用) in {mof_div_code} on {on}"
        held = self._by_code.get((element, code))
        if held is None:
            return "is in no code set that is loaded"
        here = [h for h in held if mof_div_code.startswith(h.division)]
        if not here:
            return f"is not a code of {mof_div_code} but of {held[0].row.mof_div_code}"
        this_year = [h for h in here if h.year in (0, on.year)]
        if not this_year:
            return f"is a code of {here[0].year}, not of {on.year}"
        nearest = this_year[0].row
        return f"holds from {nearest.start_date} to {nearest.end_date}, not on {on}"


def _with_ancestors(code: str, digits: int) -> tuple[str, ...]:
    """``50201`` -> ``50201``, ``502`` by levels of two digits below a class of three; ``111`` ->
    ``111``, ``11``, ``1`` by levels of one."""
    return tuple(code[:length] for length in range(len(code), 2 if digits > 1 else 0, -digits))

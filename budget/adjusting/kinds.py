"""调整调剂的种类: what each kind of adjustment may do, as data (``kinds.toml``)."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from budget.coherence import RESERVE
from budget.projects.project import PERSONNEL, PUBLIC
from budget.rows import BudgetRow
from ledger.books.toml_form import Fault, entries_of, refusal, tables_of
from ledger.books.toml_lines import lines_of
from ledger.errors import Code, Refusal

BASIC = (PERSONNEL, PUBLIC)  # 人员类, 公用: 基本支出; the other categories are 项目支出
FUNCTION_DIGITS = 5  # 类 and 款 of 支出功能分类


_Element = Literal["agency_code", "fund_type_code"]


class AdjustmentKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind; see the file."""

    title: str
    amount: Literal["adj", "dis"]
    takes: bool = False
    gives: bool = False
    same: tuple[_Element, ...] = ()
    differs: tuple[_Element, ...] = ()
    document: bool = False
    from_eco: str = ""


@cache
def adjustment_kinds() -> dict[str, AdjustmentKind]:
    """Every kind, by its name."""
    data = resources.files("budget.adjusting") / "kinds.toml"
    return read_kinds(data.read_text(encoding="utf-8"), data.name)


def read_kinds(text: str, file: str) -> dict[str, AdjustmentKind]:
    """The kinds of a file; ``file`` is what it is called in what is said of it.

    Raises:
        ConfigurationError: it is no TOML, a key is unknown, missing or of another type, or a kind
            does not hold together; each fault as ``FILE:LINE: reason``.
    """
    faults: list[Fault] = []
    tables = tables_of(text, file).items()
    kinds = dict(entries_of(AdjustmentKind, "", ((name, said) for name, said in tables), faults))
    faults = [Fault(fault.place[1:], fault.reason) for fault in faults]
    for check in (sides_are_those_of_the_amount, reserve_is_named_as_it_is, rows_are_one_or_two):
        faults += (Fault((name,), said) for name, kind in kinds.items() if (said := check(kind)))
    if faults:
        raise refusal(file, lines_of(text), faults)
    return kinds


def sides_are_those_of_the_amount(kind: AdjustmentKind) -> str:
    """调剂 takes from one row what it gives to another; 调整 does one of both."""
    if kind.amount == "dis":
        return "" if kind.takes and kind.gives else "调剂 takes what it gives elsewhere"
    return "" if kind.takes != kind.gives else "调整 either takes or gives"


def reserve_is_named_as_it_is(kind: AdjustmentKind) -> str:
    """What is taken from by name is 预备费: another class would leave it open to every kind."""
    return "" if kind.from_eco in ("", RESERVE) else f"from_eco is {RESERVE} 预备费, or is not said"


def rows_are_one_or_two(kind: AdjustmentKind) -> str:
    """Two rows are not the same and different in one element, and one row is not compared."""
    if set(kind.same) & set(kind.differs):
        return "an element is the same and differs"
    compared = kind.same or kind.differs
    return "one row alone is compared with none" if compared and kind.takes != kind.gives else ""


def require_allowed(
    kind: AdjustmentKind,
    giving: BudgetRow | None,
    taking: BudgetRow | None,
    approval_doc_no: str,
    pointer: str,
) -> None:
    """Whether a kind of adjustment moves money from one row to the other.

    Args:
        giving, taking: the rows that lose and that get, where the kind has them.
        pointer: where the part stands.

    Raises:
        Refusal: ``element_invalid`` where a document of approval is demanded and not named,
            ``element_mismatch`` for rows between which nothing of the kind moves.
    """
    if not approval_doc_no and (kind.document or _crosses(giving, taking)):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"{kind.title} names the document by which it was approved",
            pointer="/approval_doc_no",
        )
    if giving is not None:
        eco = giving.said.gov_bgt_eco_code
        if eco.startswith(RESERVE) != (kind.from_eco == RESERVE) and kind.amount == "dis":
            told = "only" if kind.from_eco else "not"
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"{kind.title} takes {told} from 预备费 ({RESERVE})",
                pointer=f"{pointer}/from_bgt_pman_id",
            )
    if giving is None or taking is None:
        return
    codes, others = giving.codes, taking.codes
    for element in kind.same:
        if codes[element] != others[element]:
            raise _mismatch(f"{kind.title} stays within one {element}", pointer)
    for element in kind.differs:
        if codes[element] == others[element]:
            raise _mismatch(f"{kind.title} goes to another {element}", pointer)
    if not kind.from_eco and _is_basic(giving) != _is_basic(taking):
        raise _mismatch("基本支出 and 项目支出 do not pass into each other", pointer)


def _mismatch(detail: str, pointer: str) -> Refusal:
    return Refusal(Code.ELEMENT_MISMATCH, detail, pointer=f"{pointer}/to_bgt_pman_id")


def _is_basic(row: BudgetRow) -> bool:
    return row.said.pro_cat_code in BASIC


def _crosses(giving: BudgetRow | None, taking: BudgetRow | None) -> bool:
    """Whether money changes its 功能 at 款, or between 人员 and 公用: not without the treasury."""
    if giving is None or taking is None:
        return False
    functions = {row.said.exp_func_code[:FUNCTION_DIGITS] for row in (giving, taking)}
    classes = {row.said.gov_bgt_eco_code[:3] for row in (giving, taking)}
    categories = {row.said.pro_cat_code for row in (giving, taking)}
    return len(functions) > 1 or len(categories) > 1 or {"501", "502"} <= classes

"""What can be said of a command without the books: shapes and texts first, then what the command
itself checks. Of several things wrong the caller is told a malformed field before a bad amount,
whichever stands first.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import compress
from operator import attrgetter, ne
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from budget.indicator import CODED
from ledger.deciding.command import Command
from ledger.elements.code_sets import ElementRegister
from ledger.elements.register import SAME_ELEMENT
from ledger.errors import Code, RequestError
from payments.events import PaymentDetail
from payments.messages.gbk import check_encodable

CODE_CHARACTERS_MAX = 100
AMOUNTS = frozenset(e.name for e in ElementRegister.ELEMENTS.values() if e.is_amount)
# A code of the wrong shape is a code that is not in the year's set, which the books say
# (element_invalid). Codes that no command looks up are checked for their shape here.
LOOKED_UP = frozenset({*CODED, "set_mode_code", "pay_bus_type_code"})
PAYEE = ("payee_acct_name", "payee_acct_no", "payee_acct_bank_name")
GOES_TO_BANK = frozenset(
    {
        *PAYEE,
        "payee_bank_no",
        "pay_app_no",
        "use_des",
        "pay_detail_id",
        "iden_no",
        "remark",
        "clear_no",
    }
)
_STAND_IN = "1.00"


def part_of(kind: Any) -> type[msgspec.Struct] | None:
    """The struct of which a field holds any number; None for another field."""
    part = get_args(kind)[0] if get_origin(kind) is tuple else None
    return part if isinstance(part, type) and issubclass(part, msgspec.Struct) else None


def check(command: Command) -> None:
    """Shapes and texts first, then what the command itself checks; see :meth:`Body.read`."""
    _check_part(command, "")
    own_check = getattr(command, "check", None)
    if own_check is None:
        return
    try:
        own_check()
    except RequestError as error:
        if error.code is Code.INVALID_AMOUNT:
            _with_sound_amounts(command).check()  # a malformed field comes before a bad amount
        raise


def _check_part(part: msgspec.Struct, base: str) -> None:
    """The texts of a command, or of a part of one, and of all that it holds."""
    if not _looks_sound(part):
        _check_texts(part, base)
    for name in _parts_in(type(part)):
        for index, each in enumerate(getattr(part, name)):
            _check_part(each, f"{base}/{name}/{index}")
            if isinstance(each, PaymentDetail):
                _require_payee(each, f"{base}/{name}/{index}")


def _require_payee(detail: PaymentDetail, base: str) -> None:
    for name in PAYEE:
        if not getattr(detail, name):
            raise RequestError(Code.MALFORMED, f"{name} is empty", pointer=f"{base}/{name}")


@cache
def _parts_in(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that hold any number of structs."""
    fields = msgspec.structs.fields(struct)
    return tuple(field.name for field in fields if part_of(field.type) is not None)


def _with_sound_amounts(part: msgspec.Struct) -> Any:
    """As it is, but that each amount that is said is one."""
    names = part.__struct_fields__
    said = (name for name in names if name in AMOUNTS and getattr(part, name) != "")
    changes: dict[str, Any] = dict.fromkeys(said, _STAND_IN)
    for name in _parts_in(type(part)):
        changes[name] = tuple(_with_sound_amounts(each) for each in getattr(part, name))
    return msgspec.structs.replace(part, **changes)


def _check_texts(part: msgspec.Struct, base: str) -> None:
    """One after the other, to say which is wrong."""
    for name, optional in _texts(type(part)):
        _check_text(name, getattr(part, name), optional, base)


def _check_text(name: str, value: str, optional: bool, base: str) -> None:
    if not value and optional:
        return
    pointer = f"{base}/{name}"
    if name not in LOOKED_UP:
        ElementRegister.check_shape(SAME_ELEMENT.get(name, name), value, pointer)
    elif len(value) > CODE_CHARACTERS_MAX or not value.isprintable():
        raise RequestError(Code.MALFORMED, f"{name} is no code", pointer=pointer)
    if name in GOES_TO_BANK:
        check_encodable(value, pointer=pointer)


def _looks_sound(part: msgspec.Struct) -> bool:
    """Whether no text is wrong: all of them in one pass."""
    check = _quick_check(type(part))
    values = check.values(part)
    said = compress(zip(values, check.rules, strict=True), map(ne, values, check.defaults))
    for value, (length_max, is_free, matches) in said:
        if len(value) > length_max or not ((is_free and value.isalnum()) or matches(value)):
            return False
    if check.to_bank is None:
        return True
    try:  # what has passed holds no control characters, the other thing a bank does not take
        "".join(check.to_bank(part)).encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


class _QuickCheck(NamedTuple):
    """What a struct's texts are held against: in one pass, and to the bank as one text.

    A value that equals its field's default is sound; what has none has None here.
    """

    values: Callable[[Any], tuple[str, ...]]
    defaults: tuple[str | None, ...]
    rules: tuple[tuple[int, bool, Callable[[str], object]], ...]
    to_bank: Callable[[Any], tuple[str, ...]] | None


@cache
def _quick_check(struct: type[msgspec.Struct]) -> _QuickCheck:
    names = [name for name, _ in _texts(struct)]
    defaults = {f.name: f.default for f in msgspec.structs.fields(struct) if not f.required}
    defaults |= {name: "" for name, optional in _texts(struct) if optional}
    to_bank = [name for name in names if name in GOES_TO_BANK]
    return _QuickCheck(
        values=getter(names),
        defaults=tuple(defaults.get(name) for name in names),
        rules=tuple(map(_rule, names)),
        to_bank=getter(to_bank) if to_bank else None,
    )


def _rule(name: str) -> tuple[int, bool, Callable[[str], object]]:
    """The greatest length, whether letters and digits will do, and what the text has to match."""
    if name in LOOKED_UP:
        return CODE_CHARACTERS_MAX, False, str.isprintable
    element = ElementRegister.ELEMENTS[SAME_ELEMENT.get(name, name)]
    return element.max_length, element.is_free, element.shape.fullmatch


def getter(names: Sequence[str]) -> Callable[[Any], tuple[str, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda part: tuple(getattr(part, name) for name in names)


@cache
def _texts(struct: type[msgspec.Struct]) -> list[tuple[str, bool]]:
    """Name of each text field but amounts, and whether it may be empty.

    An empty detail id passes: that is a details_mismatch, which the books refuse and record.
    """
    return [
        (field.name, field.default == "" or field.name == "pay_detail_id")
        for field in msgspec.structs.fields(struct)
        if field.type is str and field.name not in AMOUNTS
    ]

"""Registers pass events over unread whose bytes have not the field that moves something."""

from datetime import date

import msgspec
import pytest

import api.domains  # noqa: F401  declares the registers
from ledger.books import load_charts
from ledger.deciding.refolding import Refold
from ledger.deciding.registers import AnyRegister, declared
from ledger.events import Event
from payments.contracts.contract import CONTRACTS

DAY = date(2026, 3, 2)
SAMPLES = {str: "1.00", int: 0, bool: False}

# (register, event, the fields that it reads of it)
SHORT_WAYS = [
    pytest.param(register, cls, view, id=f"{register.name}: {cls.TYPE}")
    for register in declared()
    for cls, view in register.fold.FOLLOWS.items()
    if getattr(view, "ONLY_WITH", "")
]


def test_some_registers_take_the_short_way() -> None:
    assert {each.values[0].name for each in SHORT_WAYS} == {  # type: ignore[attr-defined]
        "card_line",
        "cash_promised",
        "contract",
    }


@pytest.mark.parametrize(("register", "event", "view"), SHORT_WAYS)
def test_what_is_passed_over_moves_nothing(
    register: AnyRegister, event: type[Event], view: type[msgspec.Struct]
) -> None:
    only_with = view.ONLY_WITH  # type: ignore[attr-defined]
    fields = {field.name: field for field in msgspec.structs.fields(event)}
    read = {field.name: field for field in msgspec.structs.fields(view)}
    assert fields[only_with].default == read[only_with].default, "it is left out of the bytes"
    told = {name: SAMPLES[each.type] for name, each in read.items() if each.required}
    without = msgspec.convert(told, view)
    assert list(register.fold().take(without, DAY, {}, load_charts())) == []


def applied(**more: str) -> bytes:
    of = {"pay_app_no": "SQ-1", "pay_amt": "40.00", **more}
    return msgspec.json.encode(of)


def test_a_payment_that_names_a_contract_is_read_and_no_other() -> None:
    refold = Refold(load_charts(), registers=[CONTRACTS])
    refold.take("payment.applied", b"no bytes of an event, and not read", 1, DAY)
    refold.take("payment.applied", applied(use_des='of "contract_no" HT-1'), 2, DAY)
    assert refold.rows(CONTRACTS) == {}

    refold.take("payment.applied", applied(contract_no="HT-1"), 3, DAY)
    assert refold.rows(CONTRACTS)["HT-1"].applied == 40_00

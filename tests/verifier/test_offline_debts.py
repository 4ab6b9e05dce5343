"""地方政府债务 in the verifier that needs nothing of ours: what is owed follows from the acts."""

from typing import Any

import pytest

from verifier.guoku_verify import Debts, Event, Report

LIMIT = {"general_amt": "500.00", "special_amt": "0.00"}
BOND = {"bond_code": "G1", "bond_type_code": "1"}
ISSUED: list[tuple[str, dict[str, Any]]] = [
    ("ledger.debt_limit_set", LIMIT),
    ("bond.registered", BOND),
    ("bond.issued", {"bond_code": "G1", "amt": "300.00"}),
    ("debt.moved", {**BOND, "issued_amt": "300.00", "owed_amt": "300.00"}),
]
ORDER = {"alloc_no": "HB-1", "bgt_id": "B1", "gov_bgt_eco_code": "51201", "amt": "100.00", **BOND}
REPAID: list[tuple[str, dict[str, Any]]] = [
    ("indicator.issued", {**ORDER, "pro_code": "P1"}),
    ("allocation.ordered", ORDER),
    ("debt.moved", {**BOND, "owed_amt": "-100.00", "ordered_amt": "100.00"}),
    ("allocation.receipted", {"alloc_no": "HB-1", "xpay_amt": "100.00"}),
    ("debt.moved", {**BOND, "ordered_amt": "-100.00"}),
]


def found(*said: tuple[str, dict[str, Any]]) -> list[str]:
    report = Report()
    debts = Debts(report)
    for position, (name, body) in enumerate(said, 1):
        debts.take(Event(position, b"", position, name, 0, 0, b"", b"", name, body))
    debts.conclude()
    return [finding.what for finding in report.findings()]


def test_what_is_issued_and_repaid_is_as_the_acts_make_it() -> None:
    assert found(*ISSUED, *REPAID) == []


@pytest.mark.parametrize("without", range(len(ISSUED), len(ISSUED) + len(REPAID)))
def test_no_act_and_no_movement_is_missed(without: int) -> None:
    said = [*ISSUED, *REPAID]
    del said[without]
    assert found(*said) != []


def test_debt_above_its_limit_is_found() -> None:
    below = ("ledger.debt_limit_set", {"general_amt": "299.99", "special_amt": "0.00"})
    assert found(*ISSUED, below) == ["0.01 more is owed than may be 超限额"]


def test_the_money_of_a_special_bond_is_of_its_project() -> None:
    special = {"bond_code": "S1", "bond_type_code": "2", "pro_code": "P1"}
    spent = {"bgt_id": "B1", "bond_code": "S1", "gov_bgt_eco_code": "50201", "pro_code": "P2"}
    [detail] = found(("bond.registered", special), ("indicator.issued", spent))
    assert "专款专用" in detail
    paid = {"bgt_id": "B1", "pay_amt": "1.00"}
    spent["pro_code"] = "P1"
    said = ("bond.registered", special), ("indicator.issued", spent), ("payment.applied", paid)
    assert found(*said) == ["it is not of bond S1 债券代码不符"]

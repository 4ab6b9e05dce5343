"""单据: the read model of what waits, followed step by step and built anew."""

import pytest

from budget.indicators import AdjustIndicator
from budget.issuing import IssueIndicator
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.documents import ApproveDocument, ReturnDocument
from ledger.reading.objects import read_head
from projections.core.rebuild import verify
from projections.core.runner import Runner
from projections.document_lists import concerning, list_documents, waiting_about
from tests.support.bookkeeper import ELEMENTS, Bookkeeper

KIND = "indicator.issue"
TWO = ("unit_checker", "treasury_checker")


def issuing(bgt_id: str, amount: str = "1.00") -> IssueIndicator:
    return IssueIndicator(bgt_id=bgt_id, amount=amount, **ELEMENTS)


def agree(b: Bookkeeper, number: str, role: str, by: str) -> None:
    b.do(ApproveDocument(document_kind=KIND, document_no=number, roles=(role,)), by)


def give_back(b: Bookkeeper, number: str) -> None:
    command = ReturnDocument(
        document_kind=KIND, document_no=number, roles=("unit_checker",), reason="重复"
    )
    b.do(command, "checker")


def documents(b: Bookkeeper) -> None:
    """B1 is approved, B2 has one of two, B3 given back, B4 given back and submitted again."""
    b.do(SetApprovalPolicy(approval_policy={KIND: TWO}), "admin")
    for number in ("B1", "B2", "B3", "B4"):
        b.do(issuing(number))
    agree(b, "B1", "unit_checker", "first")
    agree(b, "B1", "treasury_checker", "second")
    agree(b, "B2", "unit_checker", "FIRST")
    give_back(b, "B3")
    give_back(b, "B4")
    b.do(issuing("B4", "2.00"))


def listed(b: Bookkeeper, **filters: str) -> list[tuple[str, str, tuple[str, ...]]]:
    with b.pool.connection() as connection:
        items = list_documents(connection, b.ledger_id, filters).items
    return [(item["number"], item["state"], tuple(item["awaits"])) for item in items]


@pytest.mark.parametrize("batch_events", [1, 10_000])
def test_what_waits_stands_as_the_documents_do(bookkeeper: Bookkeeper, batch_events: int) -> None:
    b = bookkeeper
    documents(b)
    Runner(b.pool, batch_events=batch_events).catch_up()
    assert listed(b) == [
        ("B1", "approved", ()),
        ("B2", "submitted", ("treasury_checker",)),
        ("B3", "returned", ()),
        ("B4", "submitted", TWO),  # at the place of its second submission
    ]
    report = verify(b.pool, b.ledger_id)
    assert report.equal
    assert {c.projection: c.rows for c in report.comparisons}["documents"] == 4


def test_a_list_is_of_what_concerns_somebody(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    documents(b)
    Runner(b.pool).catch_up()
    agreed = listed(b, mine=concerning("first", ["unit"]))
    assert [number for number, _, _ in agreed] == ["B1", "B2"]
    waiting = listed(b, mine=concerning("x", ["unit_checker"]), state="submitted")
    assert [number for number, _, _ in waiting] == ["B4"]
    assert listed(b, mine=concerning("x", ["unit"])) == []
    assert listed(b, kind="indicator.adjust") == []


def test_what_waits_about_an_object_is_told_at_once_and_after(bookkeeper: Bookkeeper) -> None:
    """Whatever part of it the read model has seen: none, the beginning, all."""
    b = bookkeeper
    b.issue("B1", "10.00")
    b.issue("B2", "10.00")
    adjust = "indicator.adjust"
    b.do(SetApprovalPolicy(approval_policy={adjust: ("treasury_checker",)}), "admin")

    def waiting(bgt_id: str = "B1") -> list[str]:
        with b.pool.connection() as connection:
            head = read_head(connection, b.ledger_id)
            assert head is not None
            found = waiting_about(connection, b.ledger_id, f"indicator/{bgt_id}", head.position)
        return [each.number for each in found]

    def ask(adj_no: str, bgt_id: str = "B1") -> None:
        b.do(AdjustIndicator(bgt_id=bgt_id, adj_no=adj_no, adj_amt="1.00", reason="追加"))

    ask("T1")
    ask("T2", "B2")
    assert (waiting(), waiting("B2")) == (["T1"], ["T2"])
    Runner(b.pool).catch_up()
    ask("T3")
    assert (waiting(), waiting("B2")) == (["T1", "T3"], ["T2"])
    act = ApproveDocument(document_kind=adjust, document_no="T1", roles=("treasury_checker",))
    b.do(act, "checker")
    assert waiting() == ["T3"]
    Runner(b.pool).catch_up()
    assert (waiting(), waiting("B2")) == (["T3"], ["T2"])

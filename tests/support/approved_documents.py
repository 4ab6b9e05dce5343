"""A ledger in which other persons must agree, and what they say."""

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from budget.issuing import IssueIndicator
from ledger.deciding.command import Outcome
from ledger.deciding.documents import ApproveDocument, Document, ReturnDocument
from tests.support.bookkeeper import ELEMENTS, Bookkeeper

CHECKED = {"indicator.issue": ("treasury_checker",), "indicator.adjust": ("treasury_checker",)}
TWO = ("unit_checker", "treasury_checker")


@pytest.fixture
def keeper(pool: ConnectionPool) -> Iterator[Bookkeeper]:
    """A ledger in which a checker must agree to what makes or moves authority to spend."""
    keeper = Bookkeeper(pool)
    keeper.open(**CHECKED, **{"indicator.reallocate": TWO, "signature_policy.set": ("admin",)})
    yield keeper
    keeper.close()


def issuing(bgt_id: str, amount: str = "1000.00", **more: Any) -> IssueIndicator:
    return IssueIndicator(bgt_id=bgt_id, amount=amount, **{**ELEMENTS, **more})


def agreeing(kind: str, number: str, *roles: str, **more: Any) -> ApproveDocument:
    return ApproveDocument(
        document_kind=kind, document_no=number, roles=roles or ("treasury_checker",), **more
    )


def giving_back(kind: str, number: str, *roles: str, reason: str = "单位有误") -> ReturnDocument:
    return ReturnDocument(
        document_kind=kind, document_no=number, roles=roles or ("treasury_checker",), reason=reason
    )


def document_of(outcome: Outcome) -> Document:
    assert outcome.problem is None, str(outcome.problem)
    [document] = outcome.subjects
    assert isinstance(document, Document)
    return document


def types(keeper: Bookkeeper) -> list[str]:
    return [name for _, name, _ in keeper.events()]


def submitted(keeper: Bookkeeper, bgt_id: str, amount: str = "1000.00") -> Document:
    return document_of(keeper.ask(issuing(bgt_id, amount)))

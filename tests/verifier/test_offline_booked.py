"""What acts say against what their journals book, in the verifier that needs nothing of ours."""

from typing import Any

import pytest

from verifier.guoku_verify import Booked, Event, Report


def event(position: int, name: str, **body: Any) -> Event:
    return Event(position, b"", position, name, 0, 0, b"", b"", name, body)


def journal(source: int, *amounts: str) -> Event:
    """One debit and credit of each amount, in two books."""
    accounts = (("B1", "B37"), ("D1", "D2"))
    lines = [
        [account, side, amount]
        for amount in amounts
        for book in accounts
        for account, side in zip(book, (1, -1), strict=True)
    ]
    return event(source + 1, "journal.posted", source=source, lines=lines)


ACTS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "indicator.distributed": ({"amt": "5.00"}, ("5.00",)),
    "indicator.allotted": ({"amount": "5.00"}, ("5.00",)),
    "advance.expensed": ({"amt": "7.00"}, ("7.00",)),
    "purchase_plan.adjusted": ({"adj_amt": "-3.00"}, ("3.00",)),
    "wages.accrued": ({"amt": "10.00", "manage_amt": "4.00"}, ("6.00", "4.00")),
    "wages.withheld": ({"income_tax_amt": "1.00", "insurance_amt": "-2.00"}, ("1.00", "2.00")),
}


@pytest.mark.parametrize(("name", "said", "booked"), [(n, *a) for n, a in ACTS.items()])
def test_an_act_says_what_its_journal_books(
    name: str, said: dict[str, str], booked: tuple[str, ...]
) -> None:
    assert _found(event(1, name, **said), journal(1, *booked)) == []
    assert _found(event(1, name, **said), journal(1, *booked, "0.01")) == [1]
    assert _found(event(1, name, **said)) == [1]


def test_an_order_that_was_rejected_books_nothing() -> None:
    assert _found(event(1, "advance.receipted", xpay_amt="0.00", rejected="库款余额不足")) == []


def _found(*events: Event) -> list[int | None]:
    report = Report()
    booked = Booked(report)
    for each in events:
        booked.take(each)
    booked.conclude()
    return [finding.position for finding in report.findings()]

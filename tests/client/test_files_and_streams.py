"""What comes in files and streams, and what outlives a year: runs, events as they come, units."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx
import pytest

from guoku_client import (
    AsyncClient,
    Client,
    Division,
    DocumentName,
    Forbidden,
    Ledger,
    NoAnswer,
    Refused,
    Retries,
    Submitted,
    webhooks,
)
from guoku_client.following import event_of
from tests.support.http_server import HttpTreasury, http

AT_ONCE = Retries(first_wait_s=0.0)
LINES = (
    "收款人全称,收款人账号,收款人开户银行,支付金额\n"
    "乙,6222000000000000001,样例银行,11.00\n丙,6222000000000000002,样例银行,{amount}\n"
)


def connect(
    http: HttpTreasury, person: str, transport: httpx.BaseTransport | None = None
) -> Client:
    return Client(http.url, http.tokens[person], retries=AT_ONCE, transport=transport)


def test_a_run_is_uploaded_approved_and_read_back(http: HttpTreasury, tmp_path: Path) -> None:
    run = Ledger(http.ledger).run(http.number("PL"))
    path = tmp_path / "lines.csv"
    with connect(http, "maker") as maker, connect(http, "checker") as checker:
        opened = maker.do(run.open(bgt_id=http.indicator(), title="三月补贴"))
        assert (opened.run_no, opened.status) == (run.run_no, "opened")
        path.write_text(LINES.format(amount="十二元"), encoding="utf-8")
        with pytest.raises(Refused) as refused:
            maker.do(run.load_file(path))
        [error] = refused.value.members["errors"]
        assert (error["line"], error["column"]) == (3, "pay_amt")
        path.write_text(LINES.format(amount="12.00"), encoding="utf-8")
        loaded = maker.do(run.load_file(path))
        assert (loaded.line_count, str(loaded.pay_amt)) == (2, "23.00")
        approved = checker.do(run.approve(loaded.lines_sm3))
        assert (approved.status, approved.checked_by) == ("approved", "checker")
        lines = list(maker.each(run.lines(page_size=1)))
        assert [(line.file_line, line.outcome) for line in lines] == [
            (2, "pending"),
            (3, "pending"),
        ]
        assert maker.do(run.results_csv()).decode("utf-8-sig").count("pending") == 2
        assert run.run_no in {each.run_no for each in maker.each(Ledger(http.ledger).runs())}
        assert maker.do(run.close()).status == "closed"


class _BreaksOff(httpx.BaseTransport):
    """Each connection is cut behind its first event."""

    def __init__(self) -> None:
        self._real = httpx.HTTPTransport()
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.params["after"])
        response = self._real.handle_request(request)
        return httpx.Response(response.status_code, headers=response.headers, stream=_Cut(response))


class _Cut(httpx.SyncByteStream):
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        begun = b""
        for piece in self._response.iter_raw():
            begun += piece
            _, found, rest = begun.partition(b"data: ")
            if found and b"\n\n" in rest:
                end = len(begun) - len(rest) + rest.index(b"\n\n") + 2
                yield begun[: end + 5]
                raise httpx.ReadError("cut off")

    def close(self) -> None:
        self._response.close()


def test_a_stream_goes_on_where_it_broke_off(http: HttpTreasury) -> None:
    for _ in range(4):
        http.indicator()
    transport = _BreaksOff()
    with connect(http, "auditor", transport) as auditor:
        events = list(islice(auditor.follow(Ledger(http.ledger).stream()), 3))
    assert [event.position for event in events] == [1, 2, 3]
    assert transport.asked == ["0", "1", "2"]

    async def first() -> int:
        token = http.tokens["auditor"]
        async with AsyncClient(http.url, token, retries=AT_ONCE) as client:
            async for event in client.follow(Ledger(http.ledger).stream(after=1)):
                return event.position
        return 0

    assert asyncio.run(first()) == 2
    with connect(http, "auditor") as auditor, pytest.raises(Forbidden):
        next(auditor.follow(Ledger("990000000-2026").stream()))


def test_what_is_no_event_is_passed_over_or_told() -> None:
    assert event_of(": heartbeat") is None
    assert event_of("id: 7") is None


def test_units_and_persons_of_a_division(http: HttpTreasury) -> None:
    division = Division("440000000")
    with connect(http, "admin") as admin, connect(http, "checker") as checker:
        asked = admin.do(division.register_agency("770", "样例局", "1"))
        assert isinstance(asked, Submitted)
        waiting = {each.number for each in checker.each(division.documents(state="submitted"))}
        assert asked.number in waiting
        checker.do(division.agree(DocumentName(kind=asked.kind, number=asked.number)))
        assert admin.do(division.agency("770")).agency_name == "样例局"
        assert "770" in {each.agency_code for each in admin.each(division.agencies(page_size=2))}
        assert all(each.principal for each in admin.each(division.persons()))
        assert list(admin.each(webhooks())) == []

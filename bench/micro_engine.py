"""What the steps of the write path cost: `python -m pytest bench/micro_engine.py --benchmark-only`.

Without a database: a batch of 1,000 applications is decided on a ledger's state in memory, and what
comes out is fingerprinted, encoded, hashed and framed. Each figure is of the whole batch, so
milliseconds are microseconds a payment. A disbursement's payment of 499 lines stands beside it.
"""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from api.domains import DOMAINS as DOMAINS  # a chart is held against every rule of the program
from budget.issuing import IssueIndicator
from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.deciding.approvals import NOBODY_ELSE
from ledger.deciding.command import Command
from ledger.deciding.fingerprints import asked_for, fingerprint
from ledger.deciding.opening import OpenLedger
from ledger.deciding.state import EventRow, LedgerState
from ledger.elements import stored_code_sets
from ledger.events import decode, encode
from ledger.integrity.chain import microseconds
from ledger.writing.frames import packed_events
from payments.application import DETAILS_MAX, ApplyPayment
from payments.clearing.uncleared import UNCLEARED
from payments.events import PaymentDetail

DIVISION, YEAR = "440000000", 2026
LEDGER = ledger_id(DIVISION, YEAR)
INDICATORS, BATCH = 100, 1_000
NOW_US = microseconds(datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
DAY = date(2026, 3, 2)


def open_state() -> LedgerState:
    """A ledger with indicators, that was never written anywhere."""
    state = LedgerState(LEDGER, load_charts())
    state.pass_over(1)  # from before its first event, as a ledger that is new
    state.begin(NOW_US, stored_code_sets.shipped())
    state.take_rows(UNCLEARED, {}, whole=True)
    opening = OpenLedger(
        mof_div_code=DIVISION, fiscal_year=YEAR, name="省本级", approval_policy=NOBODY_ELSE
    )
    decide(state, opening)
    for number in range(INDICATORS):
        decide(
            state,
            IssueIndicator(
                bgt_id=f"ZB-{number}",
                amount="9000000000000.00",
                agency_code="101001",
                pro_code="440000260000000000001",
                exp_func_code="2010102",
                gov_bgt_eco_code="50201",
                dep_bgt_eco_code="30201",
                fund_type_code="111",
                bgt_type_code="21",
            ),
        )
    state.begin(NOW_US, stored_code_sets.shipped())
    return state


def decide(state: LedgerState, command: Command) -> None:
    state.apply(command.decide(state, "maker"))


def application(serial: int, details: int = 0) -> ApplyPayment:
    payee: dict[str, Any] = {
        "payee_acct_name": "广州样例办公用品有限公司",
        "payee_acct_no": f"62220000{serial:011d}",
        "payee_acct_bank_name": "样例银行广州分行",
    }
    lines = tuple(
        PaymentDetail(pay_detail_id=str(n), pay_amt="1.00", **payee) for n in range(details)
    )
    return ApplyPayment(
        pay_app_no=f"SQ-440000-2026-{serial:08d}",
        bgt_id=f"ZB-{serial % INDICATORS}",
        pay_amt=f"{details or 1000 + serial}.00",
        use_des="购办公用品",
        details=lines,
        **({} if details else payee),
    )


APPLICATIONS = [application(serial) for serial in range(BATCH)]
LONG = application(BATCH, DETAILS_MAX)


@pytest.fixture
def state() -> LedgerState:
    return open_state()


@pytest.fixture(scope="module")
def rows() -> list[EventRow]:
    """The events of a batch: 1,000 applications and their journals."""
    state = open_state()
    for command in APPLICATIONS:
        decide(state, command)
    return state.rows


def test_fingerprint(benchmark: BenchmarkFixture) -> None:
    def fingerprints() -> list[bytes]:
        return [fingerprint(asked_for(c.OPERATION, c.body)) for c in APPLICATIONS]

    assert len(benchmark(fingerprints)) == BATCH


def test_decide_and_apply(benchmark: BenchmarkFixture) -> None:
    def run(state: LedgerState) -> LedgerState:
        for command in APPLICATIONS:
            decide(state, command)
        return state

    pedantic: Any = benchmark.pedantic  # without types of its own
    state = pedantic(run, setup=lambda: ((open_state(),), {}), rounds=10)
    assert len(state.rows) == 2 * BATCH


def test_decide_499_lines(benchmark: BenchmarkFixture, state: LedgerState) -> None:
    assert benchmark(LONG.decide, state, "maker").events


def test_encode(benchmark: BenchmarkFixture, rows: list[EventRow]) -> None:
    events = [decode(row[4], row[5]) for row in rows]
    assert len(benchmark(lambda: [encode(event) for event in events])) == 2 * BATCH


def test_decode(benchmark: BenchmarkFixture, rows: list[EventRow]) -> None:
    stored = [row[4:] for row in rows]
    events = benchmark(lambda: [decode(name, payload) for name, payload in stored])
    assert [encode(event) for event in events] == [payload for _, payload in stored]


def test_hash_and_pack(benchmark: BenchmarkFixture, rows: list[EventRow]) -> None:
    packed, digests = benchmark(packed_events, LEDGER, NOW_US, rows)
    assert len(digests) == 2 * BATCH
    assert packed

"""时点查询: any moment's answer is what an independent fold of the events up to it says.

The model here adds up journals one by one and knows nothing of spans, figures or read models. Spans
are made short, so that a history of some hundreds of events has all lengths of them.
"""

# ruff: noqa: F811  (pytest finds the fixture `http` by its import; dice, not secrets)

import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import projections.core.spans
from budget import indicators
from budget.events import IndicatorIssued, PlanSet
from ledger.books import load_charts, shipped_books
from ledger.deciding.state import BEIJING
from ledger.events import JournalPosted
from ledger.money import parse_yuan, yuan
from ledger.postgres.database import Database
from payments.events import PaymentRefunded, VoucherReceipted
from projections.core.runner import Runner
from projections.queries import trial_balance
from tests.support.bookkeeper import Bookkeeper, detail
from tests.support.command_line import clean_environment, run
from tests.support.http_server import HttpTreasury, http  # noqa: F401

CASES = 200
INDICATORS = ("B1", "B2", "B3")
CHARTS = load_charts()
ACCOUNTS = shipped_books().accounts
CONTROLS = {"available": "canuse_amt", "frozen": "frozen_amt", "occupied": "pay_app_amt"}
CONTROLS["paid"] = "pay_amt"


@pytest.fixture(scope="module")
def short_spans() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projections.core.spans, "SPAN_EVENTS", 8)
        patch.setattr(projections.core.spans, "FAN", 3)
        yield


class Entry(NamedTuple):
    """One line of history as the model keeps it."""

    position: int
    effective_on: date
    recorded_at: datetime
    event: Any


class Model:
    """All events of a ledger, added up anew for every question."""

    def __init__(self, b: Bookkeeper) -> None:
        places = b.sql(
            "SELECT effective_on, recorded_at FROM events WHERE ledger_id = %s ORDER BY position"
        )
        self.entries = [
            Entry(position, *place, event)
            for (position, _, event), place in zip(b.events(), places, strict=True)
        ]
        self.commits = b.sql(
            "SELECT position, recorded_at FROM commits WHERE ledger_id = %s ORDER BY position"
        )

    @property
    def head(self) -> int:
        return len(self.entries)

    def at(self, recorded: datetime) -> int:
        return max((position for position, at in self.commits if at <= recorded), default=0)

    def late(self, moment: dict[str, Any]) -> tuple[int, int, date] | None:
        """After which position, up to which, and through which day entries are late."""
        known = self.known(moment)
        if "effective" in moment:
            day = moment["effective"]
            over = datetime(day.year, day.month, day.day, tzinfo=BEIJING) + timedelta(days=1)
            return min(known, self.at(over - timedelta(microseconds=1))), known, day
        if not moment or not known:
            return None
        recorded = moment.get("recorded") or next(at for end, at in self.commits if end >= known)
        return known, self.head, recorded.astimezone(BEIJING).date() - timedelta(days=1)

    def known(self, moment: dict[str, Any]) -> int:
        if "recorded" in moment:
            return self.at(moment["recorded"])
        return int(moment.get("position", self.head))

    def between(self, after: int, upto: int, through: date | None) -> list[Entry]:
        return [
            entry
            for entry in self.entries
            if after < entry.position <= upto and (through is None or entry.effective_on <= through)
        ]

    def counted(self, moment: dict[str, Any]) -> list[Entry]:
        return self.between(0, self.known(moment), moment.get("effective"))


def sums(entries: Iterable[Entry]) -> dict[str, tuple[str, str]]:
    """Debit and credit of every account that moved, in yuan."""
    fen: dict[str, list[int]] = {}
    for entry in entries:
        for line in entry.event.lines if isinstance(entry.event, JournalPosted) else ():
            fen.setdefault(line.account, [0, 0])[line.dr_cr == -1] += parse_yuan(line.amt)
    return {account: (yuan(debit), yuan(credit)) for account, (debit, credit) in fen.items()}


def figures(entries: Iterable[Entry], bgt_id: str) -> dict[str, str]:
    """What the controlled accounts of an indicator, and its plans, come to."""
    fen = dict.fromkeys((*CONTROLS.values(), "plan_amt"), 0)
    for _, _, _, event in entries:
        match event:
            case JournalPosted(lines=lines):
                for line in lines:
                    control = ACCOUNTS[line.account].control
                    if control in CONTROLS and (line.bgt_id or event.bgt_id) == bgt_id:
                        fen[CONTROLS[control]] -= line.dr_cr * parse_yuan(line.amt)
            case PlanSet() if event.bgt_id == bgt_id:
                fen["plan_amt"] += parse_yuan(event.plan_amt, signed=True)
    return {name: yuan(amount) for name, amount in fen.items()}


@pytest.fixture(scope="module")
def history(short_spans: None, http: HttpTreasury) -> tuple[HttpTreasury, Bookkeeper, Model]:
    """A quarter in which entries come in up to three weeks late, in the treasury's own database."""
    keeper = Bookkeeper(http.treasury.pool, division="440300000")
    keeper.open()
    http.ledger = "440300000-2026"
    dice = random.Random(36)
    for bgt_id in INDICATORS:
        keeper.issue(bgt_id, "90000.00", effective_on=date(2026, 1, 5 + dice.randrange(30)))
    for number in range(60):
        keeper.clock.now += timedelta(hours=dice.randrange(30))
        today = keeper.clock.now.astimezone(BEIJING).date()
        day = today - timedelta(days=dice.choice((0, 0, 0, 1, 5, 21)))
        act(keeper, dice, f"P{number}", dice.choice(INDICATORS), max(day, date(2026, 1, 1)))
    Runner(keeper.pool).catch_up()
    keeper.close()
    return http, keeper, Model(keeper)


def act(b: Bookkeeper, dice: random.Random, number: str, bgt_id: str, day: date) -> None:
    amount = yuan(dice.randrange(1, 100_000))
    match dice.randrange(8):
        case 0:
            b.adjust(bgt_id, amount, effective_on=day)
        case 1:
            b.plan(bgt_id, amount, effective_on=day)
        case 2:
            b.do(indicators.FreezeIndicator(bgt_id=bgt_id, freeze_no=number, amt="1.00"))
        case 3:
            other = next(name for name in INDICATORS if name != bgt_id)
            b.do(
                indicators.ReallocateIndicator(
                    bgt_id=bgt_id,
                    to_bgt_id=other,
                    adj_no=number,
                    amt="7.00",
                    reason="调剂",
                    effective_on=day,
                )
            )
        case 4:
            lines = (detail("d1", "30.00"), detail("d2", "20.00"))
            b.pay(number, bgt_id, "50.00", "d2", details=lines, effective_on=day)
        case _:
            b.pay(number, bgt_id, amount, effective_on=day)
            if dice.randrange(3) == 0:
                b.refund(number, "0.01", effective_on=day)


def moments(model: Model, dice: random.Random) -> Iterator[dict[str, Any]]:
    """Positions (also within commits), times and days, alone and together."""
    first, last = model.commits[0][1], model.commits[-1][1]
    for case in range(CASES):
        position = dice.randrange(model.head + 1)
        recorded = first + (last - first) * dice.random()
        effective = date(2026, 1, 1) + timedelta(days=dice.randrange(120))
        yield (
            {"position": position},
            {"recorded": recorded},
            {"effective": effective},
            {"effective": effective, "position": position},
            {"effective": effective, "recorded": recorded},
        )[case % 5]


def query(moment: dict[str, Any]) -> dict[str, str]:
    return {
        f"as_of_{name}": value.isoformat() if hasattr(value, "isoformat") else str(value)
        for name, value in moment.items()
    }


def test_the_trial_balance_of_any_moment(history: tuple[HttpTreasury, Bookkeeper, Model]) -> None:
    http, _, model = history
    late_ones = 0
    for moment in moments(model, random.Random(1)):
        answer = http.ok(http.get("…/trial-balance", **query(moment)))
        shown = {_id(a): (a["debit"], a["credit"]) for a in answer["accounts"]}
        assert shown == sums(model.counted(moment)), moment
        late_ones += check_late(model, moment, answer["late"])
    assert late_ones > CASES // 4  # the history has what is looked for


def check_late(model: Model, moment: dict[str, Any], late: dict[str, Any] | None) -> bool:
    """Totals by account and the journals themselves; whether there were any."""
    expected = model.late(moment)
    if expected is None:
        assert late is None
        return False
    assert late is not None
    after, upto, through = expected
    bounds = (late["after_position"], late["upto_position"], late["effective_through"])
    assert bounds == (after, upto, through.isoformat()), moment
    entries = model.between(after, upto, through)
    assert {_id(a): (a["debit"], a["credit"]) for a in late["accounts"]} == sums(entries), moment
    journals = [e.position for e in entries if isinstance(e.event, JournalPosted)]
    assert [journal["position"] for journal in late["journals"]] == journals[:100]
    assert late["more"] == (len(journals) > 100)
    return bool(journals)


def _id(account: dict[str, str]) -> str:
    return next(
        a.id
        for a in ACCOUNTS.values()
        if (a.book, a.name) == (account["book"], account["acct_cls_name"])
    )


def test_the_indicator_of_any_moment(history: tuple[HttpTreasury, Bookkeeper, Model]) -> None:
    http, _, model = history
    dice = random.Random(2)
    for moment in moments(model, dice):
        bgt_id = dice.choice(INDICATORS)
        answer = http.get(f"…/indicators/{bgt_id}", **query(moment))
        entries = model.counted(moment)
        if not any(
            isinstance(e.event, IndicatorIssued) and e.event.bgt_id == bgt_id for e in entries
        ):
            assert answer.json()["code"] == "indicator_not_found"
            continue
        shown = http.ok(answer)
        expected = figures(entries, bgt_id)
        assert {name: shown[name] for name in expected} == expected, moment
        if (span := model.late(moment)) is not None:
            late = figures(model.between(*span), bgt_id)
            assert {name: shown["late"][name] for name in late} == late, moment


def test_the_payment_of_any_moment(history: tuple[HttpTreasury, Bookkeeper, Model]) -> None:
    http, _, model = history
    dice = random.Random(3)
    numbers = sorted({number for e in model.entries if (number := _payment_of(e))})
    for moment in moments(model, dice):
        number = dice.choice(numbers)
        answer = http.get(f"…/payments/{number}", **query(moment))
        own = [e.event for e in model.counted(moment) if _payment_of(e) == number]
        if not own:
            assert answer.json()["code"] == "payment_not_found"
            continue
        shown = http.ok(answer)
        outcomes = [e.outcome for e in own if isinstance(e, VoucherReceipted)]
        assert (shown["receipt"] or {}).get("outcome") == (outcomes[-1] if outcomes else None)
        assert (shown["pay_cert_no"] is None) == (len(own) == 1), moment
        refunded = sum(parse_yuan(e.refund_amt) for e in own if isinstance(e, PaymentRefunded))
        assert shown["refund_amt"] == yuan(refunded), moment
        if (span := model.late(moment)) is not None:
            late = [e.position for e in model.between(*span) if _payment_of(e) == number]
            events = [e for e in shown["late"]["events"] if e["type"] != JournalPosted.TYPE]
            assert [e["position"] for e in events] == late, moment


def _payment_of(entry: Entry) -> str:
    return str(getattr(entry.event, "pay_app_no", ""))


def test_known_then_and_true_for_then_differ_by_what_came_late(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    march_2, march_9 = date(2026, 3, 2), date(2026, 3, 9)
    b.issue("B1", "1000.00", effective_on=march_2)
    then = b.sql("SELECT position FROM ledgers WHERE ledger_id = %s")[0][0]
    b.clock.now += timedelta(days=7)
    b.adjust("B1", "-100.00", effective_on=march_2)  # a week late
    b.adjust("B1", "5.00", effective_on=march_9)
    Runner(b.pool).catch_up()

    def amount(**asked: Any) -> tuple[str, list[tuple[str, str, str]], list[str]]:
        with b.pool.connection() as connection:
            answer = trial_balance(connection, b.ledger_id, CHARTS, **asked)
        assert answer.late is not None
        accounts = [(a.acct_cls_name, a.debit, a.credit) for a in answer.late.accounts]
        numbers = [journal.effective_on for journal in answer.late.journals]
        return answer.accounts[0]["closing"], accounts, numbers

    week_late = [
        ("指标来源", "0.00", "100.00"),
        ("支出预算", "100.00", "100.00"),
        ("支出指标", "100.00", "0.00"),
    ]
    true_for_then = amount(as_of_effective=march_2)
    assert true_for_then == ("900.00", week_late, ["2026-03-02"])
    known_then = amount(as_of_effective=march_2, as_of_position=then)
    assert known_then == ("1000.00", [], [])
    # of the position alone, what is dated before its day and came after it: here nothing is
    assert amount(as_of_position=then) == ("1000.00", [], [])
    b.clock.now += timedelta(days=1)
    b.adjust("B1", "0.50", effective_on=march_2)
    Runner(b.pool).catch_up()
    assert amount(as_of_position=then + 4)[1:] == (
        [
            ("指标来源", "0.50", "0.00"),
            ("支出预算", "0.50", "0.50"),
            ("支出指标", "0.00", "0.50"),
        ],
        ["2026-03-02"],
    )


def test_the_command_shows_the_moment_and_what_came_late(
    bookkeeper: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    b = bookkeeper
    march_2 = date(2026, 3, 2)
    b.issue("B1", "1000.00", effective_on=march_2)
    b.clock.now += timedelta(days=7)
    b.adjust("B1", "-100.00", effective_on=march_2)
    variables = {"GUOKU_DSN": database.owner_conninfo, "GUOKU_DATA": str(tmp_path)}

    def shown(*options: str) -> list[str]:
        command = ("audit", "balance", "440000000-2026", *options)
        done = run(*command, environment=clean_environment(**variables))
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    table = shown("--book", "indicator", "--as-of-effective", "2026-03-02")
    assert table.pop(0).startswith("book\tacct_cls_code\t")
    assert table.pop(3).startswith("entries\tacct_cls_code\t")
    assert table == [
        "indicator\tA1\t指标来源\t1000.00\t100.00\t900.00\t借",
        "indicator\tA2\t支出预算\t1100.00\t1100.00\t0.00\t贷",
        "indicator\tA3\t支出指标\t100.00\t1000.00\t900.00\t贷",
        "迟记\tA1\t指标来源\t0.00\t100.00",
        "迟记\tA2\t支出预算\t100.00\t100.00",
        "迟记\tA3\t支出指标\t100.00\t0.00",
    ]
    lines = shown("--indicator", "B1", "--as-of-effective", "2026-03-02", "--as-of-position", "3")
    assert {"position: 3", "canuse_amt: 1000.00", "late_canuse_amt: 0.00"} <= set(lines)
    command = ("audit", "balance", "440000000-2026", "--as-of-position", "99")
    refused = run(*command, environment=clean_environment(**variables))
    assert refused.returncode == 1
    assert "the ledger stands at 5" in refused.stderr

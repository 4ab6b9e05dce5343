"""溯源: from payments back to their budgets, and from indicators to every fen."""

import subprocess
from collections.abc import Iterator

import pytest
from psycopg_pool import ConnectionPool

from budget import indicators
from ledger.errors import Refusal
from ledger.money import parse_yuan, yuan
from ledger.postgres.database import Database
from projections.core.runner import Runner
from projections.tracing import facts
from projections.tracing.indicator import IndicatorTrace, trace_indicator
from projections.tracing.payment import PaymentTrace, trace_payment
from tests.support.bookkeeper import Bookkeeper, fresh_pool, superuser
from tests.support.command_line import clean_environment, run
from tests.support.histories import mixed_history

LEDGER = "440000000-2026"


@pytest.fixture(scope="module")
def keeper(module_database: Database) -> Iterator[Bookkeeper]:
    """The mixed history, read models at its head; the tests of this module only read it."""
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.open()
        mixed_history(keeper)
        follow(pool)
        yield keeper
        keeper.close()


def follow(pool: ConnectionPool) -> None:
    while Runner(pool).run_once():
        pass


def indicator(keeper: Bookkeeper, bgt_id: str, **more: object) -> IndicatorTrace:
    with keeper.pool.connection() as connection:
        return trace_indicator(connection, keeper.ledger_id, bgt_id, **more)  # type: ignore[arg-type]


def payment(keeper: Bookkeeper, number: str) -> PaymentTrace:
    with keeper.pool.connection() as connection:
        return trace_payment(connection, keeper.ledger_id, number)


def pages(keeper: Bookkeeper, bgt_id: str, size: int) -> list[IndicatorTrace]:
    found = [indicator(keeper, bgt_id, page_size=size)]
    while found[-1].next_cursor:
        found.append(indicator(keeper, bgt_id, cursor=found[-1].next_cursor, page_size=size))
    return found


# ---- from an indicator


def test_every_fen_of_an_indicator_is_somewhere(keeper: Bookkeeper) -> None:
    """B1: 10000 issued, 500 added, 700 given away, 200 frozen; P1 paid and refunded, P3 half
    failed, P4 failed, P7 rejected, P8 withdrawn, P9 paid,
    V1 and V2 void."""
    found = indicator(keeper, "B1")
    assert found.sums
    assert found.figures
    assert (found.sums.issued, found.sums.adjusted) == ("10000.00", "500.00")
    assert (found.sums.reallocated_out, found.sums.reallocated_in) == ("700.00", "0.00")
    assert (found.sums.frozen, found.sums.unfrozen) == ("300.00", "100.00")
    assert (found.sums.applied, found.sums.paid) == ("452.00", "220.00")
    assert (found.sums.released, found.sums.occupied) == ("232.00", "0.00")
    assert (found.sums.refunded, found.sums.net_paid) == ("100.00", "120.00")
    assert found.figures.canuse_amt == "9480.00"  # 9800 - 200 - 0 - 120
    types = [movement["type"] for movement in found.movements or ()]
    assert types == [
        "indicator.issued", "indicator.adjusted", "plan.set", "indicator.frozen",
        "indicator.unfrozen", "indicator.reallocated_out",
    ]  # fmt: skip


@pytest.mark.parametrize("bgt_id", ["B1", "B2", "B3"])
def test_the_sums_prove_the_figures_and_the_pages_are_the_sums(
    keeper: Bookkeeper, bgt_id: str
) -> None:
    first, *others = pages(keeper, bgt_id, 2)
    assert first.sums
    assert len(first.proofs or ()) == 6
    assert [proof.name for proof in first.proofs or () if not proof.holds] == []
    for other in others:  # what is said once is not said again
        assert not other.sums
        assert not other.movements
    items = [item for page in (first, *others) for item in page.payments]
    assert len(items) == len({item.pay_app_no for item in items}) == first.sums.payments

    def total(name: str) -> str:
        return yuan(sum(parse_yuan(getattr(item, name), zero=True) for item in items))

    assert total("pay_amt") == first.sums.applied
    assert total("occupied_amt") == first.sums.occupied
    assert total("net_paid_amt") == first.sums.net_paid
    assert total("refund_amt") == first.sums.refunded
    refunds = [refund for item in items for refund in item.refunds]
    assert yuan(sum(parse_yuan(r.refund_amt) for r in refunds)) == first.sums.refunded


def test_a_hot_indicator_is_shown_in_part_and_summed_whole(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.tracing.indicator.FACTS_MAX", 5)
    bookkeeper.issue("HOT", "1000.00")
    for number in range(10):
        freeze = indicators.FreezeIndicator(bgt_id="HOT", freeze_no=f"F{number}", amt="1.00")
        bookkeeper.do(freeze)
    follow(bookkeeper.pool)
    found = indicator(bookkeeper, "HOT")
    assert found.sums
    assert len(found.movements or ()) == 5
    assert found.movements_left_out == 6
    assert found.sums.frozen == "10.00"
    assert all(proof.holds for proof in found.proofs or ())


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE proj_payments SET xpay_fen = xpay_fen + 1 WHERE pay_app_no = 'P9'", "pay_amt"),
        ("UPDATE proj_payments SET refund_fen = 0 WHERE pay_app_no = 'P1'", "pay_amt"),
        ("DELETE FROM proj_payments WHERE pay_app_no = 'P10'", "pay_app_amt"),
    ],
)
def test_a_fen_astray_breaks_a_proof(
    keeper: Bookkeeper, module_database: Database, statement: str, broken: str
) -> None:
    """The canary: what is summed and what was kept are two ways, so a change of one shows."""
    bgt_id = "B2" if "P10" in statement else "B1"
    with superuser(module_database.owner_conninfo) as owner, owner.transaction() as change:
        owner.execute(statement.encode())
        with owner.transaction():
            found = trace_indicator(owner, keeper.ledger_id, bgt_id)
        failing = [proof.name for proof in found.proofs or () if not proof.holds]
        assert any(name.startswith(broken) for name in failing), failing
        change.force_rollback = True


def test_no_such_indicator(keeper: Bookkeeper) -> None:
    with pytest.raises(Refusal, match="no indicator 'B9'"):
        indicator(keeper, "B9")


# ---- from a payment


def test_a_payment_leads_back_to_the_budget_that_others_gave(bookkeeper: Bookkeeper) -> None:
    """A gave to B, B to C, and C back to A: the money is followed once around."""
    b = bookkeeper
    for bgt_id, project in (("A", "440000260000000000001"), ("B", "440000260000000000002"),
                            ("C", "440000260000000000003")):  # fmt: skip
        b.issue(bgt_id, "100.00", pro_code=project)
    for number, giving, taking in (("R1", "C", "A"), ("R2", "A", "B"), ("R3", "B", "C")):
        b.do(
            indicators.ReallocateIndicator(
                bgt_id=giving, adj_no=number, to_bgt_id=taking, amt="40.00", reason="调剂"
            )
        )
    b.pay("P", "C", "90.00")
    found = payment(b, "P")
    came = [(s.adj_no, s.bgt_id, s.into_bgt_id, s.pro_code[-1]) for s in found.sources]
    assert came == [("R3", "B", "C", "2"), ("R2", "A", "B", "1"), ("R1", "C", "A", "3")]
    kinds = {position: name for position, name, _ in b.events()}
    for source in found.sources:
        assert [kinds[at] for at in source.positions] == [
            "indicator.reallocated_out",
            "indicator.reallocated_in",
        ]
        assert kinds[source.issued_position] == "indicator.issued"
    by_step = {link.step: link for link in found.chain}
    assert by_step["project"].number == "440000260000000000003"
    assert [fact["adj_no"] for fact in by_step["indicator"].facts[1:]] == ["R1", "R3"]
    assert by_step["budget"].facts[0]["amount"] == "100.00"


def test_a_step_says_when_it_shows_a_part(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.tracing.links.FACTS_MAX", 3)
    monkeypatch.setattr(facts.of_types, "__defaults__", (3,))
    bookkeeper.issue("B", "100.00")
    for _ in range(4):
        bookkeeper.adjust("B", "1.00")
    bookkeeper.apply("P", "B", "1.00")
    steps = {link.step: link for link in payment(bookkeeper, "P").chain}
    assert (len(steps["indicator"].facts), steps["indicator"].is_whole) == (3, False)
    assert steps["payment"].is_whole


def test_what_came_after_the_application_is_not_behind_it(keeper: Bookkeeper) -> None:
    found = payment(keeper, "P2")
    first = found.chain[[link.step for link in found.chain].index("payment")].positions[0]
    for link in found.chain:
        if link.step in ("project", "budget", "indicator", "plan"):
            assert max(link.positions) < first
    [source] = found.sources
    assert (source.bgt_id, source.amt, source.amount) == ("B1", "700.00", "10000.00")


# ---- on the command line


def guoku(database: Database, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run(*arguments, environment=clean_environment(GUOKU_DSN=database.owner_conninfo))


def test_the_tree_of_an_indicator_and_of_a_payment(
    keeper: Bookkeeper, module_database: Database
) -> None:
    shown = guoku(module_database, "audit", "trace", "indicator", "B1", "--ledger", LEDGER)
    assert shown.returncode == 0, shown.stderr
    for text in ("调剂调出", "指标金额 9800.00", "可用 9480.00", "P3  部分支付", "退款 refund-",
                 "指标金额 = 可用 + 冻结 + 占用 + 净支付: 9800.00 = 9800.00  相符"):  # fmt: skip
        assert text in shown.stdout
    assert "不符" not in shown.stdout
    chain = guoku(module_database, "audit", "trace", "payment", "P2", "--ledger", LEDGER)
    assert chain.returncode == 0, chain.stderr
    for text in ("项目 440000260000000000001", "调剂来源", "B1 → B2", "签章", "清算 C4", "借 A3"):
        assert text in chain.stdout
    part = guoku(
        module_database, "audit", "trace", "indicator", "B1", "--ledger", LEDGER, "--limit", "2"
    )
    assert "… 另有 6 笔" in part.stdout


def test_what_is_not_there_is_said_in_a_line(keeper: Bookkeeper, module_database: Database) -> None:
    for arguments, text in (
        (("payment", "P99", "--ledger", LEDGER), "payment_not_found"),
        (("indicator", "B99", "--ledger", LEDGER), "indicator_not_found"),
        (("payment", "P1", "--ledger", "440000000-2031"), "ledger_not_found"),
    ):
        shown = guoku(module_database, "audit", "trace", *arguments)
        assert (shown.returncode, shown.stdout) == (1, "")
        assert text in shown.stderr

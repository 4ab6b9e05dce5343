"""Invariant 15: every decision can be taken again from the events before it, and gives the same.

A history of each act that there is is taken again as it stands; as somebody would rather have it,
in `test_invariant_15_otherwise.py`. Tests that ask for ``decided_again`` have all their ledgers
taken again at their end.
"""

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from division.bank import EndBank
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.command import commands
from ledger.deciding.opening import DateFloors
from ledger.deciding.principals import OPERATOR
from ledger.postgres.database import Database, connect
from ledger.reading import streaming
from ledger.verification import past_state
from ledger.writing.conditions import Conditions
from payments import application
from payments.application import ApprovePayment
from payments.found_at_bank import RecordFoundAtBank
from payments.signature_policy import SetSignaturePolicy
from tests.division.test_banks import MARCH, KnowingBookkeeper, appointed
from tests.scenarios.test_former_release import HISTORY, LEDGER
from tests.support.audited_books import Audited
from tests.support.bookkeeper import Bookkeeper
from tests.support.exports import restore
from tests.support.histories import older_ledger
from tests.support.redeciding import DECISION, found, taken_again
from tests.support.repeated_commands import EXAMPLES

ALL = standing_ledger("")


def test_a_history_of_every_kind_is_decided_as_it_was(audited: Audited, copied: Database) -> None:
    again = taken_again(copied.app_conninfo, audited.ledger_id)
    assert found(again) == []
    assert again.notes == []
    with psycopg.connect(copied.owner_conninfo) as connection:
        [(asked,)] = connection.execute(
            "SELECT count(*) FROM command_keys WHERE ledger_id = %s AND operation NOT LIKE '%%:%%'",
            (audited.ledger_id,),
        )
    assert again.counts[DECISION] > asked, "those without a number, too"


@pytest.mark.parametrize("operation", EXAMPLES)
@pytest.mark.usefixtures("decided_again")
def test_every_command_is_taken_again(bookkeeper: Bookkeeper, operation: str) -> None:
    bookkeeper.issue("B1", "100000.00")
    command, by = EXAMPLES[operation](bookkeeper)
    bookkeeper.do(command, by)


# what has no example there: by the tests that ask for ``decided_again``, and have it
ELSEWHERE = {
    "advance_limits.set": "budget/test_advances",
    "indicator.absorb": "budget/test_advances",
    "ceiling.set": "budget/test_preparation",
    "budget_draft.enter": "budget/test_preparation",
    "budget_draft.submit": "budget/test_preparation",
    "budget_draft.check": "budget/test_preparation",
    "budget_draft.return": "budget/test_preparation",
    "income_budget.set": "budget/test_preparation",
    "budget.approve": "budget/test_preparation",
    "budget.reply": "budget/test_replies",
    "budget.adjust": "budget/test_adjusting",
    "special_income.load": "payments/test_special_accounts",
    **dict.fromkeys(
        ("debt_limit.set", "bond.register", "bond.issue", "bond.accrue"), "payments/test_debts"
    ),
    **dict.fromkeys(
        (f"placement.{act}" for act in ("order", "receipt", "return")), "payments/test_placements"
    ),
    "correction.special_income": "payments/test_special_accounts",
    **dict.fromkeys(
        (
            "purchase_plan.register",
            "purchase_plan.adjust",
            "contract.register",
            "contract.amend",
            "contract.end",
        ),
        "payments/test_contracts",
    ),
    **dict.fromkeys(
        (
            "year_end.carry_over",
            "year_end.close",
            "year_end.take_carried",
            "year_end.hand_over",
            "indicator.write_off",
            "budget_row.write_off",
            "year_end.close_books",
            "year_end.begin_openings",
            "year_end.take_opening",
            "year_end.take_debts",
        ),
        "accounting/test_year_end",
    ),
    **dict.fromkeys(
        (
            "transfer.issue",
            "transfer.receive",
            "transfer.accept",
            "transfer.note_acceptance",
            "transfer.write_off",
        ),
        "transfers/test_sending",
    ),
    **dict.fromkeys(
        (
            "transfer.reduce",
            "transfer.take_reduction",
            "transfer.note_reduction",
            "transfer.drop_reduction",
            "transfer.give_back",
        ),
        "transfers/test_reducing",
    ),
    **dict.fromkeys(
        (
            "transfer.dispatch",
            "transfer.dispatch_receipt",
            "transfer.dispatch_return",
            "transfer.take_funds",
            "transfer.note_arrival",
            "transfer.settle",
            "transfer.take_settlement",
            "transfer.note_settlement",
        ),
        "transfers/test_tier_cash",
    ),
    "monitor_rules.set": "payments/test_monitoring",
    "payment.release": "payments/test_monitoring",
    "refusal.record": "refusals are not taken again",
    "document.submit": "ledger/test_approvals",
    "bank.notice": "payments/test_refunds",
    "prior_return.book": "payments/test_prior_returns",
    "income.receive": "accounting/test_income_messages",
    "balance.receive": "accounting/test_balances",
    "correction.balance": "accounting/test_balances",
    **dict.fromkeys(
        (
            "reconciliation.receive",
            "reconciliation.compare",
            "reconciliation.confirm",
        ),
        "accounting/test_reconciliation",
    ),
    "suspense.resolve": "payments/test_refunds",
    "period.reopen": "payments/test_closing",
    "clock.correct": "ledger/test_clocks",
    "loss.accept": "ledger/test_history_guard",
    "voucher.found_at_bank": "below",
    "ledger.date_floors": "below",
    "division.open": "test_invariant_15_divisions",
    "person.register": "test_invariant_15_divisions",
    "person.set_rights": "test_invariant_15_divisions",
    "person.end_rights": "test_invariant_15_divisions",
    "token.issue": "test_invariant_15_divisions",
    "token.end": "test_invariant_15_divisions",
    "installation.register": "test_invariant_15_divisions",
    "installation.change": "test_invariant_15_divisions",
    "installation.end": "test_invariant_15_divisions",
    "transfer.take_message": "transfers/test_two_installations",
    "webhook.register": "test_invariant_15_divisions",
    "webhook.end": "test_invariant_15_divisions",
    "certificate.register": "test_invariant_15_divisions",
    "certificate.revoke": "test_invariant_15_divisions",
    "code_sets.load": "test_invariant_15_divisions",
    "account.register": "api/test_http_base_data",
    "account.change": "api/test_http_base_data",
    "payee.register": "api/test_http_base_data",
    "payee.change": "api/test_http_base_data",
    "card.register": "api/test_http_base_data",
    "card.change": "api/test_http_base_data",
    "standard.register": "api/test_http_base_data",
    "standard.change": "api/test_http_base_data",
    "staff.register": "api/test_http_base_data",
    "staff.change": "api/test_http_base_data",
    "calendar.set": "api/test_http_base_data",
    "performance_indicators.set": "api/test_http_base_data",
    "agency.register": "test_invariant_15_divisions",
    "agency.change": "test_invariant_15_divisions",
    "bank.appoint": "test_invariant_15_divisions",
    "bank.change": "test_invariant_15_divisions",
    "bank.end": "test_invariant_15_divisions",
    "standing.adopt": "test_invariant_15_divisions",
    **{
        f"project.{act}": "test_invariant_15_divisions"
        for act in (
            "report",
            "revise",
            "return",
            "check",
            "store",
            "amend",
            "suspend",
            "resume",
            "terminate",
            "end",
        )
    },
}


def test_no_command_is_left_out() -> None:
    without = commands().keys() - EXAMPLES.keys() - ELSEWHERE.keys()
    assert not without, "say how it comes about, in tests/support/repeated_commands.py"


@pytest.mark.usefixtures("decided_again")
def test_what_a_bank_knows_after_a_loss_is_taken_again(bookkeeper: Bookkeeper) -> None:
    known = RecordFoundAtBank(
        voucher_no="V1", paid_amt="0.00", bank="102", in_books=False, epoch_name="1"
    )
    bookkeeper.do(known, "operator")


@pytest.mark.usefixtures("decided_again")
def test_each_decision_knows_the_banks_of_its_moment(database: Database) -> None:
    """What was appointed and has ended since was appointed when the policy named it."""
    keeper = KnowingBookkeeper(database)
    keeper.open()
    with connect(database.app_conninfo) as connection:
        then = Conditions(keeper.clock)
        record(connection, ALL, [appointed("103")], then, by=OPERATOR)
        keeper.policy("treasury", pay_bank_code="103")
        end = EndBank(pay_bank_code="103", end_date=MARCH)
        record(connection, ALL, [end], then, by=OPERATOR)
    assert keeper.refusal(SetSignaturePolicy(roles=("unit",), pay_bank_code="103"), "admin")
    keeper.close()
    keeper.pool.close()


def test_what_was_let_go_is_read_again(
    audited: Audited, copied: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory holds what waits for something; refunds come long after the receipt."""
    monkeypatch.setattr(past_state, "COST_KEPT_MAX", 0)
    monkeypatch.setattr(streaming, "CHUNK_EVENTS", 5)
    again = taken_again(copied.app_conninfo, audited.ledger_id)
    assert found(again) == []


def test_what_an_earlier_release_has_decided_is_noted_and_no_finding(
    pool: ConnectionPool, database: Database
) -> None:
    restore(pool, HISTORY)
    again = taken_again(database.app_conninfo, LEDGER)
    assert found(again) == []
    told = [note.detail.partition(":")[0] for note in again.notes]
    assert told == [  # no policy, numbers of vouchers by position, refunds on a person's word
        "ledger.opened",
        "payment.approved",
        "payment.approved",
        "payment.approved",
        "payment.refunded",
    ]
    assert again.counts[DECISION] == 28, "all others are decided as they were"


def test_from_where_a_ledger_says_so_it_is_held_to_the_rules_of_today(
    pool: ConnectionPool, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = older_ledger(pool, monkeypatch)
    keeper.issue("B1", "10.00")
    with monkeypatch.context() as then:
        then.setattr(application, "voucher_number", lambda *_: "440000000202600000000")
        keeper.apply("P1", "B1", "1.00")
        keeper.approve("P1")
        keeper.do(DateFloors(), "guoku")
        keeper.apply("P2", "B1", "1.00")
        later = keeper.do(ApprovePayment(pay_app_no="P2"), "checker").first_position
    keeper.close()
    again = taken_again(database.app_conninfo, keeper.ledger_id)
    assert [at for at, _ in found(again)] == [later]
    assert again.noted[DECISION] == 2, "the opening, and the first approval"

"""What a payment has taken goes back where it ends unpaid: to its indicator, its contract, the
special account, and what was spent with cards to be reimbursed by another. Pure."""

from datetime import date

from budget.indicator import moved, with_held
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.events import Event
from payments.cards.lines import freed
from payments.clearing.promised import promise_kept
from payments.contracts.drawing import held_again, settled
from payments.payment import PAYMENT, Payment
from payments.special_accounts.cash import key_of, moved_special, with_special


def released(state: LedgerState, payment: Payment, day: date, event: str) -> MovedRow:
    """The indicator's balances with the occupation given back."""
    applied, pay_fen = payment.applied, payment.pay_fen
    held_fen = held_again(applied, pay_fen)
    return moved(state, day, applied.bgt_id, event, {"pay": pay_fen}, held_fen)


def with_release(
    state: LedgerState, payment: Payment, day: date, event: Event, after: MovedRow
) -> Decision:
    """What ends a payment that the bank has not paid, with the journal that gives back."""
    applied, pay_fen, codes = payment.applied, payment.pay_fen, payment.codes
    books = state.books(day)
    entry = books.post(
        event.TYPE,
        source=state.next_position,
        number=payment.pay_app_no,
        amounts_fen={"pay": pay_fen},
        codes=codes,
        bgt_id=applied.bgt_id,
    )
    entry = with_held(books, entry, held_again(applied, pay_fen), codes)
    cash = moved_special(state, day, key_of(applied), claimed_fen=-pay_fen)
    decision = Decision(
        events=[(PAYMENT, payment.pay_app_no, event), (PAYMENT, payment.pay_app_no, entry)],
        effective_on=day,
        moved=[
            after,
            *settled(state, applied, day, pay_fen),
            *freed(state, day, applied.card_lines),
            *promise_kept(state, payment.approved, day),
        ],
    )
    return with_special(decision, cash)

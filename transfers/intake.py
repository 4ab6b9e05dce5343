"""调度回单, 到账通知: what the central bank says of dispatches, and what the books are told."""

from collections.abc import Sequence
from typing import Any

import psycopg

from ledger.account_set import division_of, fiscal_year_of, ledger_id, ledger_text
from ledger.elements.register import ElementRegister
from ledger.errors import Code, GuokuError, Refusal, RequestError
from ledger.money import yuan
from ledger.reading.objects import read_head, read_objects
from payments.delivery.orders import deliver
from payments.messages.arrival_3403 import Arrival3403, mark_in, parse
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import CENTRAL_BANK_CODE, Concern, MessageType
from payments.orders.ordering import (
    DISPATCHES,
    OrderPlace,
    split_order_number,
)
from payments.receipts.concerns import Judging, judges
from payments.receipts.notices import held_unreadable
from payments.receipts.orders import OrderAnswers, answer_orders
from payments.receipts.senders import Senders
from payments.refunds.notices import TakeNotice
from transfers.arriving import TakeFunds
from transfers.dispatching import ApplyDispatchReceipt, ReturnDispatch
from transfers.tier_funds import FUND_DISPATCH, RETURNED, FundDispatch
from transfers.treasury_account import division_paid, payee_account

deliver(DISPATCHES, FUND_DISPATCH)
answer_orders(
    DISPATCHES, OrderAnswers(FUND_DISPATCH, "dispatch_no", ApplyDispatchReceipt, ReturnDispatch)
)


@judges(Concern.ARRIVAL)
class FundsTold(Judging):
    """Signed by the central bank, about the treasury account of the division that is paid."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        self._told = {body: _read(body) for body in bodies}
        self._dispatched: dict[OrderPlace, FundDispatch] = {}
        self._here: dict[OrderPlace, bool] = {}
        for told in self._told.values():
            place = None if isinstance(told, GuokuError) else _order_of(told)
            if place is not None:
                self._here[place] = read_head(connection, place.ledger_id) is not None
                found = read_objects(connection, place.ledger_id, FUND_DISPATCH, [place.number])
                if (dispatch := found.get(place.number)) is not None:
                    self._dispatched[place] = dispatch

    def ledger_of(self, body: VoucherBody) -> int | None:
        told = self._told[body]
        if isinstance(told, GuokuError) or not (division := division_paid(told.rec_acct_no)):
            return None
        return ledger_id(division, told.st_year)

    def command(self, message: MessageType[Any], body: VoucherBody) -> TakeFunds | TakeNotice:
        """For the books to judge.

        Raises:
            Refusal: ``receipt_mismatch``: it names no order of a treasury, or says otherwise than
                the order of a ledger that is kept here.
        """
        evidence = self.senders.verified(message, body, CENTRAL_BANK_CODE)
        told = self._told[body]
        if isinstance(told, RequestError):
            return held_unreadable(body, "", evidence, told)
        if isinstance(told, GuokuError):
            raise told
        place, mark = _order_of(told), mark_in(told.add_word)
        if place is None or mark is None:
            raise _mismatch(f"{told.original_voucher_no[:100]!r} is no dispatch of a treasury")
        self._hold_to_order(told, place, mark)
        return TakeFunds(
            voucher_no=told.original_voucher_no,
            from_ledger=ledger_text(place.ledger_id),
            dispatch_no=place.number,
            fund_type_code=told.fund_type_code,
            is_dir_code=mark,
            amt=yuan(told.amt),
            tre_code=told.tre_code,
            notice_no=told.voucher_no,
            arrived_on=told.vou_date,
            agent_business_no=told.pay_traseq_no,
            notice_sm3=evidence["receipt_sm3"],
            cert_serial=evidence["cert_serial"],
            signature=evidence["signature"],
            document=evidence["document"],
        )

    def _hold_to_order(self, told: Arrival3403, place: OrderPlace, mark: str) -> None:
        if not self._here[place]:
            return  # the sender is kept elsewhere: its central bank's word is what there is
        if (dispatch := self._dispatched.get(place)) is None:
            raise _mismatch(f"no order {told.original_voucher_no!r} was given")
        if dispatch.status == RETURNED:
            raise _mismatch(f"{told.original_voucher_no!r} has come back to who sent it 调度已退回")
        ordered = dispatch.ordered
        said = (yuan(told.amt), told.fund_type_code, mark, told.rec_acct_no)
        due = (
            ordered.amt,
            ordered.fund_type_code,
            ordered.is_dir_code,
            payee_account(ordered.rec_div_code),
        )
        if said != due or told.st_year != fiscal_year_of(place.ledger_id):
            raise _mismatch(f"the order of {division_of(place.ledger_id)} was over {due}")


def _read(body: VoucherBody) -> Arrival3403 | GuokuError:
    try:
        told = parse(signed_bytes(body))
        ElementRegister.check_shape("report_no", told.voucher_no, "/VoucherNo")
        ElementRegister.check_shape("tre_code", told.tre_code, "/TreCode")
        ElementRegister.check_shape("fund_type_code", told.fund_type_code, "/FundTypeCode")
    except GuokuError as error:
        return error
    return told


def _order_of(told: Arrival3403) -> OrderPlace | None:
    place = split_order_number(told.original_voucher_no)
    return place if place is not None and place.of == DISPATCHES else None


def _mismatch(detail: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, f"the notice is refused: {detail}")

"""The one table of message types: what the treasury and its banks say to each other, and how.

Whoever builds, sends, takes in or judges a message asks here what it is; nobody else compares a
VtCode. A message type is one entry of ``MESSAGES`` and its codec. What the books make of an
incoming one stands with ``concerns``: a message about something that the books already know (a
voucher, a claim) needs no more than its entry.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from payments.messages import (
    adjustments,
    arrival_3403,
    balance_3402,
    bank_requests,
    clearing_2301,
    income_3401,
    income_orders,
    orders_5207,
    receipt_5214,
    reconciliations,
    refund_notices,
    voucher_5214,
)
from payments.messages.adjustments import AdjustmentAnswer, OutlayAdjustment
from payments.messages.bank_requests import BankRequest
from payments.messages.clearing_2301 import ClearingReceipt, ClearingVoucher
from payments.messages.envelope import RECEIPT, SEND, VoucherBody, VoucherFlag
from payments.messages.income_orders import IncomeOrder
from payments.messages.orders_5207 import Order5207, OrderReceipt, OrderReturn
from payments.messages.parties import CENTRAL_BANK_CODE as CENTRAL_BANK_CODE
from payments.messages.parties import Concern as Concern
from payments.messages.parties import Party as Party
from payments.messages.parties import SignedBy as SignedBy
from payments.messages.reader import malformed
from payments.messages.receipt_5214 import Receipt5214
from payments.messages.reconciliations import ReconciliationPackage
from payments.messages.refund_notices import RefundNotice
from payments.messages.voucher_5214 import Voucher5214
from payments.messages.vt_codes import (
    ARRIVAL,
    BALANCE_REPORT,
    BANK_CHECK,
    CLAIM,
    CLAIMS_CHECK,
    INCOME_CORRECTION,
    INCOME_ORDERS_CHECK,
    INCOME_REFUND,
    INCOME_REFUND_RETURN,
    INCOME_REPORT,
    ORDER,
    ORDER_RETURN,
    ORDERS_CHECK,
    PAYMENT_VOUCHER,
    QUOTA_ADJUSTMENT,
    RECALL_REQUEST,
    REFUND_CLAIM,
    REFUND_NOTICE,
    REFUND_REQUEST,
    RETURN_NOTICE,
    SPECIAL_VOUCHER,
    VOUCHER_ADJUSTMENT,
    VOUCHER_CHECK,
    VoucherCode,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType(Generic[T]):
    """One kind of message, as an envelope names it by VtCode and VoucherFlag.

    Attributes:
        title: as the interface standard calls it.
        manifest: whether one signature may stand over many of it.
        build: makes the inner document; its arguments are the codec's.
        parse: reads the inner document; raises ``malformed`` and what the codec says.
    """

    vt_code: str
    flag: VoucherFlag
    title: str
    sender: Party
    receiver: Party
    signed_by: SignedBy
    manifest: bool
    concerns: Concern
    build: Callable[..., bytes]
    parse: Callable[[bytes], T]


def _voucher(vt_code: VoucherCode, title: str) -> MessageType[Voucher5214]:
    return MessageType(
        vt_code=vt_code,
        flag=SEND,
        title=title,
        sender=Party.TREASURY,
        receiver=Party.AGENT_BANK,
        signed_by=SignedBy.PERSON,
        manifest=True,
        concerns=Concern.VOUCHER,
        build=voucher_5214.build,
        parse=partial(voucher_5214.parse, vt_code=vt_code),
    )


def _request(vt_code: str, title: str, concerns: Concern) -> MessageType[BankRequest]:
    return MessageType(
        vt_code=vt_code,
        flag=SEND,
        title=title,
        sender=Party.TREASURY,
        receiver=Party.AGENT_BANK,
        signed_by=SignedBy.FINANCE,
        manifest=False,
        concerns=concerns,
        build=bank_requests.build,
        parse=partial(bank_requests.parse, vt_code=vt_code),
    )


REFUND_REQUESTED = _request(REFUND_REQUEST, "退款申请", Concern.REFUND)
RECALL_REQUESTED = _request(RECALL_REQUEST, "撤销申请", Concern.RECALL)


def _notice(vt_code: str, flag: VoucherFlag, title: str) -> MessageType[RefundNotice]:
    return MessageType(
        vt_code=vt_code,
        flag=flag,
        title=title,
        sender=Party.AGENT_BANK,
        receiver=Party.TREASURY,
        signed_by=SignedBy.AGENT_BANK,
        manifest=False,
        concerns=Concern.REFUND,
        build=refund_notices.build,
        parse=refund_notices.parse,
    )


def _voucher_receipt(vt_code: VoucherCode, title: str) -> MessageType[Receipt5214]:
    notice: MessageType[Any] = _notice(vt_code, RECEIPT, title)
    build, parse = receipt_5214.answer, partial(receipt_5214.parse_receipt, vt_code=vt_code)
    return replace(notice, manifest=True, concerns=Concern.VOUCHER, build=build, parse=parse)


VOUCHER_RECEIPT = _voucher_receipt(PAYMENT_VOUCHER, "国库集中支付凭证回单")


def _claim_sent(vt_code: str, title: str) -> MessageType[ClearingVoucher]:
    return MessageType(
        vt_code=vt_code,
        flag=SEND,
        title=title,
        sender=Party.TREASURY,
        receiver=Party.CENTRAL_BANK,
        signed_by=SignedBy.FINANCE,
        manifest=False,
        concerns=Concern.CLAIM,
        build=clearing_2301.build,
        parse=clearing_2301.parse,
    )


def _claim_of_bank(vt_code: str, title: str) -> MessageType[ClearingVoucher]:
    """As it comes to the treasury, which agrees and sends it on as its own."""
    return replace(
        _claim_sent(vt_code, title),
        sender=Party.AGENT_BANK,
        receiver=Party.TREASURY,
        signed_by=SignedBy.AGENT_BANK,
        concerns=Concern.BANK_CLAIM,
    )


def _claim_receipt(vt_code: str, title: str) -> MessageType[ClearingReceipt]:
    return MessageType(
        vt_code=vt_code,
        flag=RECEIPT,
        title=title,
        sender=Party.CENTRAL_BANK,
        receiver=Party.TREASURY,
        signed_by=SignedBy.CENTRAL_BANK,
        manifest=False,
        concerns=Concern.CLAIM,
        build=clearing_2301.receipt_of,
        parse=clearing_2301.parse_receipt,
    )


def _claim_returned(vt_code: str, title: str) -> MessageType[ClearingReceipt]:
    """A bank's claim as the treasury gives it back."""
    told = replace(_claim_receipt(vt_code, title), concerns=Concern.BANK_CLAIM)
    by, to = Party.TREASURY, Party.AGENT_BANK
    return replace(told, sender=by, receiver=to, signed_by=SignedBy.FINANCE)


ORDER_SENT: MessageType[Order5207] = MessageType(
    vt_code=ORDER,
    flag=SEND,
    title="实拨拨款凭证",
    sender=Party.TREASURY,
    receiver=Party.CENTRAL_BANK,
    signed_by=SignedBy.FINANCE,
    manifest=False,
    concerns=Concern.ORDER,
    build=orders_5207.build,
    parse=orders_5207.parse,
)
ORDER_RECEIPT: MessageType[OrderReceipt] = MessageType(
    vt_code=ORDER,
    flag=RECEIPT,
    title="实拨拨款凭证回单",
    sender=Party.CENTRAL_BANK,
    receiver=Party.TREASURY,
    signed_by=SignedBy.CENTRAL_BANK,
    manifest=False,
    concerns=Concern.ORDER,
    build=orders_5207.receipt_of,
    parse=orders_5207.parse_receipt,
)
ORDER_RETURNED: MessageType[OrderReturn] = MessageType(
    vt_code=ORDER_RETURN,
    flag=SEND,
    title="实拨退款通知书",
    sender=Party.CENTRAL_BANK,
    receiver=Party.TREASURY,
    signed_by=SignedBy.CENTRAL_BANK,
    manifest=False,
    concerns=Concern.ORDER_RETURN,
    build=orders_5207.build_return,
    parse=orders_5207.parse_return,
)
INCOME_REFUND_RETURNED = replace(
    ORDER_RETURNED,
    vt_code=INCOME_REFUND_RETURN,
    title="退付退款通知书",
    concerns=Concern.INCOME_ORDER_RETURN,
    build=partial(orders_5207.build_return, vt_code=INCOME_REFUND_RETURN),
    parse=partial(orders_5207.parse_return, vt_code=INCOME_REFUND_RETURN),
)


def _income_order(vt_code: str, title: str) -> MessageType[IncomeOrder]:
    return MessageType(
        vt_code=vt_code,
        flag=SEND,
        title=title,
        sender=Party.TREASURY,
        receiver=Party.CENTRAL_BANK,
        signed_by=SignedBy.FINANCE,
        manifest=False,
        concerns=Concern.INCOME_ORDER,
        build=income_orders.build,
        parse=income_orders.parse,
    )


def _income_receipt(vt_code: str, title: str) -> MessageType[OrderReceipt]:
    return MessageType(
        vt_code=vt_code,
        flag=RECEIPT,
        title=title,
        sender=Party.CENTRAL_BANK,
        receiver=Party.TREASURY,
        signed_by=SignedBy.CENTRAL_BANK,
        manifest=False,
        concerns=Concern.INCOME_ORDER,
        build=income_orders.receipt_of,
        parse=orders_5207.parse_receipt,
    )


def _adjustment(vt_code: str, title: str, receiver: Party) -> MessageType[OutlayAdjustment]:
    sent: MessageType[Any] = replace(_claim_sent(vt_code, title), receiver=receiver)
    build, parse = adjustments.build, partial(adjustments.parse, vt_code=vt_code)
    return replace(sent, concerns=Concern.ADJUSTMENT, build=build, parse=parse)


def _adjustment_answer(
    vt_code: str, title: str, signed_by: SignedBy
) -> MessageType[AdjustmentAnswer]:
    build, parse = adjustments.answer, partial(adjustments.parse_answer, vt_code=vt_code)
    reported = _reported(vt_code, title, Concern.ADJUSTMENT, build, parse, signed_by)
    return replace(reported, flag=RECEIPT)


def _reported(
    vt_code: str,
    title: str,
    concerns: Concern,
    build: Callable[..., bytes],
    parse: Callable[[bytes], T],
    signed_by: SignedBy = SignedBy.CENTRAL_BANK,
) -> MessageType[T]:
    of_bank = signed_by is SignedBy.AGENT_BANK
    return MessageType(
        vt_code=vt_code,
        flag=SEND,
        title=title,
        sender=Party.AGENT_BANK if of_bank else Party.CENTRAL_BANK,
        receiver=Party.TREASURY,
        signed_by=signed_by,
        manifest=False,
        concerns=concerns,
        build=build,
        parse=parse,
    )


INCOME_REPORTED = _reported(
    INCOME_REPORT, "收入日报表", Concern.INCOME, income_3401.build, income_3401.parse
)
BALANCE_REPORTED = _reported(
    BALANCE_REPORT, "库存日报表", Concern.BALANCE, balance_3402.build, balance_3402.parse
)
_ARRIVAL_FORM = arrival_3403.build, arrival_3403.parse
FUNDS_ARRIVED = _reported(ARRIVAL, "资金到账通知", Concern.ARRIVAL, *_ARRIVAL_FORM)


def _reconciliation(
    vt_code: str, title: str, signed_by: SignedBy = SignedBy.CENTRAL_BANK
) -> MessageType[ReconciliationPackage]:
    build, parse = reconciliations.build, partial(reconciliations.parse, vt_code=vt_code)
    return _reported(vt_code, title, Concern.RECONCILIATION, build, parse, signed_by)


def _table(
    types: Iterable[MessageType[Any]],
) -> Mapping[tuple[str, VoucherFlag, Party], MessageType[Any]]:
    """By VtCode, VoucherFlag and who receives it, each once."""
    table: dict[tuple[str, VoucherFlag, Party], MessageType[Any]] = {}
    for message in types:
        key = message.vt_code, message.flag, message.receiver
        assert key not in table, f"{message.title} is there twice"
        table[key] = message
    return table


MESSAGES = _table(
    (
        _voucher(PAYMENT_VOUCHER, "国库集中支付凭证"),
        VOUCHER_RECEIPT,
        _voucher(SPECIAL_VOUCHER, "财政专户资金拨款凭证"),
        _voucher_receipt(SPECIAL_VOUCHER, "财政专户资金拨款凭证回单"),
        REFUND_REQUESTED,
        RECALL_REQUESTED,
        # a bank writes it to us as its own, or as its answer to what we sent
        *(_notice(REFUND_NOTICE, flag, "退款通知书") for flag in (SEND, RECEIPT)),
        *(_notice(RETURN_NOTICE, flag, "收款银行退款通知") for flag in (SEND, RECEIPT)),
        _claim_sent(CLAIM, "申请划款凭证"),
        _claim_receipt(CLAIM, "申请划款凭证回单"),
        _claim_of_bank(CLAIM, "代理银行申请划款凭证"),
        _claim_returned(CLAIM, "代理银行申请划款凭证退回"),
        _claim_sent(REFUND_CLAIM, "申请退款凭证"),
        _claim_receipt(REFUND_CLAIM, "申请退款凭证回单"),
        _claim_of_bank(REFUND_CLAIM, "代理银行申请退款凭证"),
        _claim_returned(REFUND_CLAIM, "代理银行申请退款凭证退回"),
        ORDER_SENT,
        ORDER_RECEIPT,
        ORDER_RETURNED,
        _income_order(INCOME_REFUND, "收入退付凭证"),
        _income_receipt(INCOME_REFUND, "收入退付凭证回单"),
        INCOME_REFUND_RETURNED,
        _income_order(INCOME_CORRECTION, "更正通知书"),
        _income_receipt(INCOME_CORRECTION, "更正通知书回单"),
        _adjustment(VOUCHER_ADJUSTMENT, "直接支付调整凭证", Party.AGENT_BANK),
        _adjustment_answer(VOUCHER_ADJUSTMENT, "直接支付调整凭证回单", SignedBy.AGENT_BANK),
        _adjustment(QUOTA_ADJUSTMENT, "额度调整书", Party.CENTRAL_BANK),
        _adjustment_answer(QUOTA_ADJUSTMENT, "额度调整书回单", SignedBy.CENTRAL_BANK),
        INCOME_REPORTED,
        BALANCE_REPORTED,
        FUNDS_ARRIVED,
        _reconciliation(VOUCHER_CHECK, "凭证对账 (人民银行)"),
        _reconciliation(BANK_CHECK, "凭证对账 (代理银行)", SignedBy.AGENT_BANK),
        _reconciliation(CLAIMS_CHECK, "清算信息对账"),
        _reconciliation(ORDERS_CHECK, "实拨对账"),
        _reconciliation(INCOME_ORDERS_CHECK, "收入退付对账"),
    )
)


def received_by(party: Party, body: VoucherBody) -> MessageType[Any]:
    """What a message is to whoever receives it.

    Raises:
        RequestError: ``malformed``: this party takes no such message.
    """
    if (message := MESSAGES.get((body.vt_code, body.voucher_flag, party))) is not None:
        return message
    taken = {m.vt_code: m.flag for m in MESSAGES.values() if m.receiver is party}
    if (flag := taken.get(body.vt_code)) is not None:
        raise malformed(
            f"VoucherFlag of {body.vt_code} is {flag} on its way to {party}", "/VoucherFlag"
        )
    raise malformed(f"{party} takes {', '.join(sorted(taken))}, not {body.vt_code}", "/VtCode")

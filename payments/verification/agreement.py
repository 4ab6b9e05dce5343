"""凭证与事件相符: what signed documents say, against the events that name them, field by field.

An event may be rewritten with its digest, the chain and every balance; the bank's signature over
its receipt cannot. So whatever a document and its events both say has to be the same: whom the
voucher pays and how much, what the bank says it paid of each line, when, under which number. The
checks were made when the document was signed or came in; here they are made again (invariant 14).

A document of another kind enters what compares it with ``compare``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ledger.account_set import division_of, fiscal_year_of
from ledger.events import Event
from ledger.money import parse_yuan, yuan
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.events import (
    PaymentApplied,
    PaymentApproved,
    PaymentRefunded,
    VoucherReceipted,
    VoucherSigned,
)
from payments.income_order_events import IncomeRefundReturned
from payments.messages import (
    clearing_2301,
    income_orders,
    layout,
    orders_5207,
    refund_notices,
)
from payments.messages.layout import compact_date
from payments.messages.reader import EDGES, REPLACED, amount_of, date_of
from payments.messages.receipt_5214 import FIXED
from payments.messages.vt_codes import INCOME_REFUND_RETURN, ORDER_RETURN, voucher_code
from payments.order_answers import ORDER_RECEIPTS, ORDER_RETURNS
from payments.order_kinds import OrderGiven
from payments.payment import SINGLE_DETAIL_ID
from payments.return_events import PaymentReturned, PriorReturnBooked
from payments.signing.orders import IncomeEvent, income_order
from payments.signing.voucher_document import adm_div_code

Texts = Mapping[str, str]
Differing = tuple[str, object, object]  # the element, what the document says, what the events say


class NamedDocument(NamedTuple):
    """A document and what the books say of it: the event that names it, and those it rests on."""

    ledger_id: int
    document: bytes
    event: Event
    others: Sequence[Event]


_comparing: dict[str, Callable[[NamedDocument], Iterable[Differing]]] = {}


def compare(*types: type[Event]) -> Callable[[Any], Any]:
    """Enters what compares the documents that events of these types name."""

    def entered(function: Callable[[NamedDocument], Iterable[Differing]]) -> Any:
        _comparing.update({cls.TYPE: function for cls in types})
        return function

    return entered


def disagreement(named: NamedDocument) -> str:
    """What a document says otherwise than its events, "" where it says the same.

    Raises:
        RequestError, Refusal: it cannot be read as what it should be.
    """
    differing = list(_comparing[named.event.TYPE](named))
    if not differing:
        return ""
    tag, theirs, ours = differing[0]
    more = f", and {len(differing) - 1} more" if len(differing) > 1 else ""
    return f"{tag}: the signed document says {theirs!r}, the events {ours!r}{more} 凭证与事件不符"


def _one(named: NamedDocument, cls: type[Any]) -> Any:
    """The event of a kind that a document rests on."""
    found = next((event for event in named.others if isinstance(event, cls)), None)
    if found is None:
        raise ValueError(f"there is no {cls.TYPE} for it")
    return found


# ---- vouchers and their receipts


@compare(VoucherSigned)
def _voucher(named: NamedDocument) -> Iterator[Differing]:
    applied, approved = _one(named, PaymentApplied), _one(named, PaymentApproved)
    main, rows = _read(named.document)
    yield from _differing(main, _of_form(named.ledger_id, applied, approved))
    yield from _differing(main, _of_purpose(applied, approved))
    if not applied.details:
        yield from _differing(main, _payee(applied))
    yield from _amount(main, "PayAmt", parse_yuan(applied.pay_amt))
    yield from _lines(rows, applied, _whole_payee)
    if named.event.pay_cert_no != approved.pay_cert_no:  # type: ignore[attr-defined]
        yield "VoucherNo", approved.pay_cert_no, named.event.pay_cert_no  # type: ignore[attr-defined]


@compare(VoucherReceipted)
def _receipt(named: NamedDocument) -> Iterator[Differing]:
    applied, approved = _one(named, PaymentApplied), _one(named, PaymentApproved)
    event: Any = named.event
    main, rows = _read(named.document)
    yield from _differing(main, _of_form(named.ledger_id, applied, approved), repeated=True)
    yield from _amount(main, "PayAmt", parse_yuan(applied.pay_amt))
    yield from _amount(main, "XPayAmt", parse_yuan(event.xpay_amt, zero=True))
    if (paid_on := date_of(dict(main), "XPayDate", "")) != date.fromisoformat(event.xpay_date):
        yield "XPayDate", paid_on.isoformat(), event.xpay_date
    yield from _differing(main, {"XAgentBusinessNo": event.agent_business_no})
    yield from _lines(rows, applied, _repeated_payee)
    yield from _outcomes(rows, applied, event)


def _outcomes(
    rows: Sequence[Texts], applied: PaymentApplied, event: VoucherReceipted
) -> Iterator[Differing]:
    """What was paid of each line, to whom, and why another was not."""
    failed = {line.pay_detail_id: line.xadd_word for line in event.failed}
    due = {id_: (account, name, fen) for id_, account, name, _, _, fen in _payees(applied)}
    for row in rows:
        id_ = row.get("Id", "").strip(EDGES)
        if id_ not in due:
            continue  # told as a line that the payment has not
        account, name, fen = due[id_]
        tag = f"Detail {id_}/"
        if id_ in failed:
            yield from _amount(row, "XPayAmt", 0, tag)
            yield from _differing(row, {"XAddWord": failed[id_]}, tag)
        else:
            yield from _amount(row, "XPayAmt", fen, tag)
            paid_to = {"XPayeeAcctNo": account, "XPayeeAcctName": name}
            yield from _differing(row, paid_to, tag, repeated=True)


def _of_form(ledger_id: int, applied: PaymentApplied, approved: PaymentApproved) -> Texts:
    return {
        "VtCode": voucher_code(applied.pay_acct_no),
        "VoucherNo": approved.pay_cert_no,
        "BillNo": applied.pay_app_no,
        "AdmDivCode": adm_div_code(ledger_id),
        "StYear": str(fiscal_year_of(ledger_id)),
        "VouDate": compact_date(date.fromisoformat(approved.vou_date)),
        "PayBankCode": approved.pay_bank_code,
        "AgencyCode": applied.agency_code,
        "FundTypeCode": applied.fund_type_code,
    }


def _of_purpose(applied: PaymentApplied, approved: PaymentApproved) -> Texts:
    return _of_payer(approved) | {
        "ExpFuncCode": applied.exp_func_code,
        "GovExpEcoCode": applied.gov_bgt_eco_code,
        "DepExpEcoCode": applied.dep_bgt_eco_code,
        "DepProCode": applied.pro_code,
        "SetModeCode": applied.set_mode_code,
        "BusinessTypeCode": applied.pay_bus_type_code,
        "PaySummaryName": applied.use_des,
    }


def _of_payer(approved: PaymentApproved) -> dict[str, str]:
    """The accounts and offices that the division's registers named, where they named any."""
    if (payer := approved.payer) is None:
        return {}
    said = {
        "PayAcctNo": payer.pay_acct_no,
        "PayAcctName": payer.pay_acct_name,
        "PayAcctBankName": payer.pay_acct_bank_name,
        "ClearAcctNo": payer.clear_acct_no,
        "ClearAcctName": payer.clear_acct_name,
        "ClearAcctBankName": payer.clear_acct_bank_name,
        "SupDepName": payer.sup_dep_name,
        "MOFDepCode": payer.mof_dep_code,
    }
    return {tag: text for tag, text in said.items() if text}


def _payee(applied: PaymentApplied) -> Texts:
    return {
        "PayeeAcctNo": applied.payee_acct_no,
        "PayeeAcctName": applied.payee_acct_name,
        "PayeeAcctBankName": applied.payee_acct_bank_name,
        "PayeeAcctBankNo": applied.payee_bank_no,
    }


def _payees(applied: PaymentApplied) -> Iterator[tuple[str, str, str, str, str, int]]:
    """Of each line: id, account, name, bank, its number, fen."""
    for line in applied.details:
        fen = parse_yuan(line.pay_amt)
        bank = line.payee_acct_bank_name, line.payee_bank_no
        yield line.pay_detail_id, line.payee_acct_no, line.payee_acct_name, *bank, fen
    if not applied.details:
        bank = applied.payee_acct_bank_name, applied.payee_bank_no
        account, name = applied.payee_acct_no, applied.payee_acct_name
        yield SINGLE_DETAIL_ID, account, name, *bank, parse_yuan(applied.pay_amt)


def _whole_payee(
    row: Texts, tag: str, account: str, name: str, bank: str, bank_no: str
) -> Iterator[Differing]:
    due = {"PayeeAcctNo": account, "PayeeAcctName": name}
    due |= {"PayeeAcctBankName": bank, "PayeeAcctBankNo": bank_no}
    yield from _differing(row, due, tag)


def _repeated_payee(
    row: Texts, tag: str, account: str, name: str, _bank: str, _bank_no: str
) -> Iterator[Differing]:
    """What a bank repeats of the voucher: the account always, the name where it does."""
    yield from _differing(row, {"PayeeAcctNo": account}, tag)
    yield from _differing(row, {"PayeeAcctName": name}, tag, repeated=True)


def _lines(
    rows: Sequence[Texts],
    applied: PaymentApplied,
    payee: Callable[[Texts, str, str, str, str, str], Iterator[Differing]],
) -> Iterator[Differing]:
    by_id = {row.get("Id", "").strip(EDGES): row for row in rows}
    ids = [id_ for id_, *_ in _payees(applied)]
    if len(rows) != len(by_id) or by_id.keys() != set(ids):
        yield "DetailList", sorted(by_id), sorted(ids)
        return
    for id_, account, name, bank, bank_no, fen in _payees(applied):
        tag = f"Detail {id_}/"
        yield from payee(by_id[id_], tag, account, name, bank, bank_no)
        yield from _amount(by_id[id_], "PayAmt", fen, tag)


# ---- claims


@compare(ClaimReceipted)
def _claim(named: NamedDocument) -> Iterator[Differing]:
    event: Any = named.event
    requested = _one(named, ClearingRequested)
    claim = next((c for c in requested.claims if c.voucher_no == event.voucher_no), None)
    if claim is None:
        raise ValueError(f"{requested.clear_no} has no claim {event.voucher_no!r}")
    receipt = clearing_2301.parse_receipt(named.document)
    due: tuple[Differing, ...] = (
        ("VoucherNo", receipt.voucher_no, event.voucher_no),
        ("VtCode", receipt.vt_code, claim.vt_code),
        ("AdmDivCode", receipt.adm_div_code, division_of(named.ledger_id)[:6]),
        ("StYear", receipt.st_year, fiscal_year_of(named.ledger_id)),
        ("PayAmt", yuan(receipt.pay_amt), claim.pay_amt),
        ("XPayAmt", yuan(receipt.x_pay_amt), event.xpay_amt),
        ("XClearDate", receipt.x_clear_date.isoformat(), event.xclear_date),
    )
    yield from (each for each in due if each[1] != each[2])


# ---- orders


@compare(*ORDER_RECEIPTS)
def _order_receipt(named: NamedDocument) -> Iterator[Differing]:
    event: Any = named.event
    ordered = _one(named, OrderGiven)
    receipt = orders_5207.parse_receipt(named.document)
    due: tuple[Differing, ...] = (
        ("VoucherNo", receipt.voucher_no, event.voucher_no),
        ("AdmDivCode", receipt.adm_div_code, adm_div_code(named.ledger_id)),
        ("StYear", receipt.st_year, fiscal_year_of(named.ledger_id)),
        ("PayeeAcctNo", receipt.payee_acct_no, getattr(ordered, "payee_acct_no", "")),
        ("PayAmt", yuan(receipt.pay_amt), ordered.amt),
        ("XPayAmt", yuan(receipt.x_pay_amt), event.xpay_amt),
        ("XPayDate", receipt.x_pay_date.isoformat(), event.xpay_date),
        ("XAgentBusinessNo", receipt.x_agent_business_no, event.agent_business_no),
    )
    yield from (each for each in due if each[1] != each[2])
    if isinstance(ordered, IncomeEvent):
        said = income_order(named.ledger_id, ordered)
        yield from income_orders.said_otherwise(said, named.document)


@compare(*ORDER_RETURNS)
def _order_return(named: NamedDocument) -> Iterator[Differing]:
    event: Any = named.event
    of_income = isinstance(event, IncomeRefundReturned)
    vt_code = INCOME_REFUND_RETURN if of_income else ORDER_RETURN
    notice = orders_5207.parse_return(named.document, vt_code=vt_code)
    due: tuple[Differing, ...] = (
        ("VoucherNo", notice.voucher_no, event.notice_no),
        ("OriginalVoucherNo", notice.original_voucher_no, event.voucher_no),
        ("PayAmt", yuan(notice.pay_amt), event.amt),
        ("VouDate", notice.vou_date.isoformat(), event.return_date),
        ("AgentBusinessNo", notice.agent_business_no, event.agent_business_no),
    )
    yield from (each for each in due if each[1] != each[2])


# ---- notices that money came back


@compare(PaymentRefunded, PaymentReturned, PriorReturnBooked)
def _notice(named: NamedDocument) -> Iterator[Differing]:
    """The payment is compared unless persons have said of which one the money is."""
    refunded = named.event
    assert isinstance(refunded, PaymentRefunded | PaymentReturned | PriorReturnBooked)
    notice = refund_notices.parse(named.document)
    lines = [(line.id, yuan(line.pay_amt), line.payee_acct_no) for line in notice.details]
    booked = [
        (line.pay_detail_id, line.refund_amt, line.payee_acct_no) for line in refunded.returned
    ]
    if len(lines) == len(booked) == 1:  # whose id may be the bank's own, or said by persons
        lines = [("", *lines[0][1:])]
        booked = [("", *booked[0][1:])]
    due: tuple[Differing, ...] = (
        ("VtCode", notice.vt_code, refunded.vt_code),
        ("VoucherNo", notice.voucher_no, refunded.notice_no),
        ("PayDate", notice.pay_date.isoformat(), refunded.refund_date),
        ("PayAmt", yuan(notice.pay_amt), refunded.refund_amt),
        ("AgentBusinessNo", notice.serial, refunded.agent_business_no),
        ("DetailList", lines, booked),
    )
    yield from (each for each in due if each[1] != each[2])
    numbers = [refunded.pay_cert_no, refunded.pay_app_no]
    if not refunded.suspense_no and set(numbers).isdisjoint(notice.originals):
        yield "OriginalVoucherNo", notice.originals, numbers


# ---- reading and comparing


def _read(document: bytes) -> tuple[Texts, Sequence[Texts]]:
    """The texts of a voucher or of its receipt: main form, and each line's own."""
    if (read := FIXED.read(document)) is None:
        return layout.read_voucher(document, answered=True)
    main, lines = read
    rows = [dict(zip(FIXED.own, line, strict=True)) for line in lines]
    return dict(zip(FIXED.filled, main, strict=True)), rows


def _differing(
    row: Texts, due: Texts, tag: str = "", *, repeated: bool = False
) -> Iterator[Differing]:
    """``repeated``: a bank need not repeat it, and may have sent what nobody can read."""
    for name, ours in due.items():
        theirs = row.get(name, "")
        if ours not in (theirs, theirs.strip(EDGES)) and not (
            repeated and (not theirs or REPLACED in theirs)
        ):
            yield tag + name, theirs, ours


def _amount(row: Texts, name: str, due_fen: int, tag: str = "") -> Iterator[Differing]:
    if (theirs_fen := amount_of(dict(row), name, tag)) != due_fen:
        yield tag + name, yuan(theirs_fen), yuan(due_fen)

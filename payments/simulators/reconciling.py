"""What a simulated bank says it has carried out on a day, when it is told to: with faults, too.

Faults are planted by a seed and told to whoever asked, so that a test knows what must be found. A
package that is late is one that is not sent yet: ``send`` names those that go now, in that order.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date

import msgspec
from starlette.routing import Route

from ledger.account_set import division_of, fiscal_year_of, parse_ledger
from ledger.errors import Code, RequestError
from ledger.money import parse_yuan, yuan
from payments.messages import clearing_2301, orders_5207, reconciliations
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.layout import DETAILS_MAX, compact_date
from payments.messages.message_types import VOUCHER_RECEIPT, Party
from payments.messages.reconciliations import CheckedVoucher, ReconciliationPackage
from payments.messages.vt_codes import (
    BANK_CHECK,
    CLAIM,
    ORDER,
    PAYMENT_VOUCHER,
    REFUND_CLAIM,
    VOUCHER_CHECK,
)
from payments.simulators.answers import Notice
from payments.simulators.counterparty import Counterparty
from payments.simulators.server import act_of

RECONCILIATIONS_PATH = "/sim/reconciliations"
_ADM_DIGITS = 6
_WRONG_BY_FEN = 1
_INVENTED = "9" * 20  # how a number begins that nobody has given
_decode_body = msgspec.msgpack.Decoder(VoucherBody).decode

CarriedOut = tuple[date, int]  # the day on which it was carried out, and fen


class SaidLine(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A line as it is told; ``amt`` in yuan."""

    voucher_no: str
    amt: str


class ReconciliationTold(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the bank is to say of which days; without ``lines`` what it has carried out on them.

    Attributes:
        check_no: of the reconciliation; default: one that is always the same.
        per_package: lines of a package, 499 at most.
        send: the packages that go now, in this order; default: all.
        missing, doubled, other_amount, invented: how many lines are left out, stand there twice,
            are 0.01 too much, or are of vouchers that nobody has given, chosen by ``seed``.
    """

    ledger: str
    begin_date: date
    end_date: date | None = None
    e_voucher_type: str = ""
    check_no: str = ""
    tre_code: str = ""
    lines: tuple[SaidLine, ...] | None = None
    per_package: int = DETAILS_MAX
    send: tuple[int, ...] | None = None
    missing: int = 0
    doubled: int = 0
    other_amount: int = 0
    invented: int = 0
    seed: int = 0


class ReconciliationSent(msgspec.Struct, kw_only=True):
    """What went out, and the numbers with which something is wrong, by what that is."""

    report_no: str
    pack_num: int
    all_num: int
    all_amt: str
    planted: dict[str, list[str]]


def reconciling(bank: Counterparty, pay_bank_code: str = "") -> Route:
    """The address at which a bank is told to say what it has carried out."""
    return Route(
        RECONCILIATIONS_PATH,
        act_of(ReconciliationTold, lambda told: send(bank, pay_bank_code, told)),
        methods=["POST"],
    )


def send(bank: Counterparty, pay_bank_code: str, told: ReconciliationTold) -> ReconciliationSent:
    """Sends the packages of a reconciliation.

    Raises:
        RequestError: ``malformed``, ``invalid_amount``.
    """
    of_bank = bank.PARTY is Party.AGENT_BANK
    vt_code = BANK_CHECK if of_bank else VOUCHER_CHECK
    kind = told.e_voucher_type or (PAYMENT_VOUCHER if of_bank else CLAIM)
    begin, end = told.begin_date, told.end_date or told.begin_date
    key = parse_ledger(told.ledger)
    adm_div_code, st_year = division_of(key)[:_ADM_DIGITS], fiscal_year_of(key)
    check_no = told.check_no or f"{kind}-{compact_date(begin)}-{compact_date(end)}"
    if told.lines is None:
        head = f"{adm_div_code}-{st_year}-{kind}"
        lines = list(_carried_out(bank, head, kind, begin, end))
    else:
        lines = [_said(index, line) for index, line in enumerate(told.lines)]
    lines, planted = with_faults(lines, told, check_no)
    if not 1 <= told.per_package <= DETAILS_MAX:
        raise RequestError(Code.MALFORMED, f"1 to {DETAILS_MAX}", pointer="/per_package")
    parts = [lines[at : at + told.per_package] for at in range(0, len(lines), told.per_package)]
    parts = parts or [[]]
    all_fen = sum(line.amt for line in lines)
    sending = tuple(range(1, len(parts) + 1)) if told.send is None else told.send
    if len({*sending}) < len(sending) or not all(1 <= n <= len(parts) for n in sending):
        detail = f"there are {len(parts)} packages, each of which is named once"
        raise RequestError(Code.MALFORMED, detail, pointer="/send")
    for number in sending:
        package = ReconciliationPackage(
            vt_code=vt_code,
            adm_div_code=adm_div_code,
            st_year=st_year,
            voucher_no=f"{check_no}-{number}",
            check_no=check_no,
            pack_num=len(parts),
            pack_no=number,
            tre_code=told.tre_code,
            pay_bank_code=pay_bank_code,
            e_voucher_type=kind,
            begin_date=begin,
            end_date=end,
            all_num=len(lines),
            all_amt=all_fen,
            lines=tuple(parts[number - 1]),
        )
        document = reconciliations.build(package)
        notice = Notice(vt_code=vt_code, voucher_no=package.voucher_no, document=document)
        bank.send(notice, adm_div_code, st_year)
    return ReconciliationSent(
        report_no=check_no,
        pack_num=len(parts),
        all_num=len(lines),
        all_amt=yuan(all_fen),
        planted=planted,
    )


def _said(index: int, line: SaidLine) -> CheckedVoucher:
    fen = parse_yuan(line.amt, pointer=f"/lines/{index}/amt", signed=True, zero=True)
    return CheckedVoucher(voucher_no=line.voucher_no, amt=fen)


def _carried_out(
    bank: Counterparty, head: str, kind: str, begin: date, end: date
) -> Iterator[CheckedVoucher]:
    """What it has moved on these days by vouchers of a kind, by its own receipts."""
    read = _READERS.get(kind)
    if read is None:
        raise RequestError(
            Code.MALFORMED,
            f"lines of {kind} are told; by itself it knows {', '.join(_READERS)}",
            pointer="/e_voucher_type",
        )
    for number, receipt in bank.book.receipts_of(head):
        day, fen = read(signed_bytes(_decode_body(receipt)))
        if fen and begin <= day <= end:
            yield CheckedVoucher(voucher_no=number, amt=fen)


def _of_voucher(document: bytes) -> CarriedOut:
    receipt = VOUCHER_RECEIPT.parse(document)
    return receipt.x_pay_date, receipt.x_pay_amt


def _of_claim(document: bytes) -> CarriedOut:
    receipt = clearing_2301.parse_receipt(document)
    return receipt.x_clear_date, receipt.x_pay_amt


def _of_order(document: bytes) -> CarriedOut:
    receipt = orders_5207.parse_receipt(document)
    return receipt.x_pay_date, receipt.x_pay_amt


_READERS: dict[str, Callable[[bytes], CarriedOut]] = {
    PAYMENT_VOUCHER: _of_voucher,
    CLAIM: _of_claim,
    REFUND_CLAIM: _of_claim,
    ORDER: _of_order,
}


def with_faults(
    lines: Sequence[CheckedVoucher], told: ReconciliationTold, check_no: str
) -> tuple[list[CheckedVoucher], dict[str, list[str]]]:
    """The lines with what is planted in them, and what that is; no line has two faults."""
    counts = {"missing": told.missing, "doubled": told.doubled, "other_amount": told.other_amount}
    if sum(counts.values()) > len(lines):
        raise RequestError(Code.MALFORMED, f"there are {len(lines)} lines", pointer="/missing")
    chance = random.Random(f"{told.seed}/{check_no}")  # noqa: S311
    struck = iter(chance.sample(range(len(lines)), sum(counts.values())))
    faults = {next(struck): fault for fault, count in counts.items() for _ in range(count)}
    said: list[CheckedVoucher] = []
    for place, line in enumerate(lines):
        fault = faults.get(place)
        if fault == "missing":
            continue
        wrong = fault == "other_amount"
        said.append(msgspec.structs.replace(line, amt=line.amt + _WRONG_BY_FEN) if wrong else line)
        if fault == "doubled":
            said.append(line)
    invented = [f"{_INVENTED}{number:015d}" for number in range(1, told.invented + 1)]
    said.extend(CheckedVoucher(voucher_no=number, amt=100) for number in invented)
    planted = {
        fault: sorted(lines[place].voucher_no for place, of in faults.items() if of == fault)
        for fault in counts
    }
    return said, {**planted, "invented": invented}

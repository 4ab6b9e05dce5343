"""对账报文 as a bank makes them, signed with its own key."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from accounting.reconciliation.statement import RECONCILIATION, Reconciliation
from ledger.deciding.command import Outcome
from ledger.money import parse_yuan
from ledger.reading.objects import read_objects
from payments.messages.envelope import VoucherBody
from payments.messages.reconciliations import CheckedVoucher, ReconciliationPackage, build
from payments.messages.vt_codes import BANK_CHECK, PAYMENT_VOUCHER
from tests.support.bookkeeper import Bookkeeper
from tests.support.central_bank_reports import SigningCentralBank, report_body
from tests.support.channel_parties import BANK

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
Said = tuple[str, str]  # a voucher's number and yuan


def package(
    check_no: str,
    lines: Sequence[Said],
    day: date = MONDAY,
    *,
    all_lines: Sequence[Said] | None = None,
    number: int = 1,
    of: int = 1,
    **changed: Any,
) -> VoucherBody:
    """A 3502 of bank 102 about vouchers 5214, not signed; ``all_lines`` those of all packages."""
    checked = [CheckedVoucher(voucher_no=no, amt=parse_yuan(amt, zero=True)) for no, amt in lines]
    sums = [parse_yuan(amt, zero=True) for _, amt in (lines if all_lines is None else all_lines)]
    given: dict[str, Any] = {
        "vt_code": BANK_CHECK,
        "adm_div_code": "440000",
        "st_year": 2026,
        "voucher_no": f"{check_no}-{number}",
        "check_no": check_no,
        "pack_num": of,
        "pack_no": number,
        "pay_bank_code": "102",
        "e_voucher_type": PAYMENT_VOUCHER,
        "begin_date": day,
        "end_date": day,
        "all_num": len(sums),
        "all_amt": sum(sums),
        "lines": tuple(checked),
    }
    made = ReconciliationPackage(**{**given, **changed})
    body = report_body(made.vt_code, made.voucher_no, build(made))
    return msgspec.structs.replace(body, adm_div_code=made.adm_div_code)


def packages(
    check_no: str, parts: Sequence[Sequence[Said]], day: date = MONDAY, **changed: Any
) -> list[VoucherBody]:
    """All packages of one reconciliation, in order."""
    every = [line for part in parts for line in part]
    return [
        package(check_no, part, day, all_lines=every, number=place, of=len(parts), **changed)
        for place, part in enumerate(parts, 1)
    ]


class ReconcilingBank:
    """Bank 102, or the central bank, which sends reconciliations to the treasury."""

    def __init__(self, parties: SigningCentralBank, subject: str = BANK) -> None:
        self._parties, self._subject = parties, subject

    def send(self, *bodies: VoucherBody) -> list[Outcome]:
        """All in one message."""
        return self._parties.hand_in([self._parties.signed(b, self._subject) for b in bodies])


def reconciliation(keeper: Bookkeeper, recon_no: str) -> Reconciliation:
    with keeper.pool.connection() as connection:
        found: dict[str, Reconciliation] = read_objects(
            connection, keeper.ledger_id, RECONCILIATION, [recon_no]
        )
    return found[recon_no]


def paid(keeper: Bookkeeper, number: str, amt: str, day: date = MONDAY) -> Said:
    """A payment of that day, and what its bank will say of it."""
    keeper.apply(number, "B1", amt, effective_on=MONDAY)
    approved = keeper.approve(number)
    keeper.sign(number)
    keeper.receipt(approved, xpay_date=day)
    return approved.pay_cert_no, amt


def told_differences(found: Reconciliation) -> list[tuple[str, str, str, str]]:
    """Kind, number, the bank's amount and the books'."""
    return [(d.kind, d.number, d.amt, d.booked_amt) for d in found.differences]

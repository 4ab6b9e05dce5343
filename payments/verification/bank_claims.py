"""代理银行申请划款: what a bank has signed, against the event that keeps it (invariant 14)."""

from collections.abc import Iterator

from ledger.account_set import division_of, fiscal_year_of
from ledger.money import yuan
from payments.clearing.bank_claims import claim_key
from payments.clearing.bank_events import BankClaimTaken
from payments.messages import clearing_2301
from payments.verification.agreement import Differing, NamedDocument, compare
from payments.verification.stand_alone import stands_alone
from payments.voucher_number import (
    FORMER_DIGITS,
    LEDGER_DIGITS,
    ledger_of_voucher,
    voucher_number,
)

_ADM_DIGITS = 6


@compare(BankClaimTaken)
def _bank_claim(named: NamedDocument) -> Iterator[Differing]:
    event = named.event
    assert isinstance(event, BankClaimTaken)
    said = clearing_2301.parse(named.document)
    bank = event.sender.partition("/")[2]
    due: tuple[Differing, ...] = (
        ("VoucherNo", claim_key(bank, said.voucher_no), event.claim_no),
        ("VoucherNo", said.voucher_no, event.voucher_no),
        ("VtCode", said.vt_code, event.vt_code),
        ("PayBankNo", bank, event.pay_bank_code),
        ("AdmDivCode", said.adm_div_code, division_of(named.ledger_id)[:_ADM_DIGITS]),
        ("StYear", said.st_year, fiscal_year_of(named.ledger_id)),
        ("VouDate", said.vou_date.isoformat(), event.clear_date),
        ("FundTypeCode", said.fund_type_code, event.fund_type_code),
        ("PayAmt", yuan(said.pay_amt), event.pay_amt),
        (
            "DetailList",
            [
                (d.sup_dep_code, d.exp_func_code, yuan(d.pay_amt), d.voucher_no)
                for d in said.details
            ],
            [(li.sup_dep_code, li.exp_func_code, li.pay_amt, li.voucher_no) for li in event.lines],
        ),
    )
    yield from (each for each in due if each[1] != each[2])
    for line in event.lines:
        if not line.voucher_no:
            continue
        if ledger_of_voucher(line.voucher_no) != named.ledger_id:
            yield "VoucherNo", line.voucher_no, "a voucher of this ledger"
        elif len(line.voucher_no) != LEDGER_DIGITS + FORMER_DIGITS:  # which said a position
            number = voucher_number(named.ledger_id, line.pay_app_no)
            if number != line.voucher_no:
                yield "VoucherNo", line.voucher_no, number


stands_alone(BankClaimTaken, None)

"""申请划款 as an agent bank makes it, signed with its own key."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from ledger.gm import sm3
from ledger.money import parse_yuan
from ledger.reading.documents import compress_document
from payments.clearing.bank_claims import TakeBankClaim, claim_key
from payments.clearing.bank_events import BankClaimLine
from payments.messages import clearing_2301
from payments.messages.clearing_2301 import ClearingDetail, ClearingVoucher
from payments.messages.envelope import VoucherBody
from payments.messages.vt_codes import CLAIM
from tests.support.central_bank_reports import report_body

MARCH_2 = date(2026, 3, 2)
Line = tuple[str, str, str] | tuple[str, str, str, str]  # unit, function, yuan; and a voucher


def bank_claim(
    number: str, lines: Sequence[Line], day: date = MARCH_2, *, fund: str = "111", **changed: Any
) -> VoucherBody:
    """A 2301 of bank 102, or a 2302, not signed."""
    details = tuple(
        ClearingDetail(
            id=str(place),
            sup_dep_code=unit,
            exp_func_code=function,
            pay_amt=parse_yuan(amt),
            voucher_no=named[0] if named else "",
        )
        for place, (unit, function, amt, *named) in enumerate(lines, 1)
    )
    given: dict[str, Any] = {
        "vt_code": CLAIM,
        "id": number,
        "adm_div_code": "440000",
        "st_year": 2026,
        "vou_date": day,
        "voucher_no": number,
        "tre_code": "4400000000",
        "fin_org_code": "440000000",
        "fund_type_code": fund,
        "pay_type_code": "1",
        "agent_acct_no": "10244000000",
        "clear_acct_no": "00144000000001",
        "pay_amt": sum(detail.pay_amt for detail in details),
        "pay_bank_no": "102",
        "details": details,
    }
    claim = ClearingVoucher(**{**given, **changed})
    body = report_body(claim.vt_code, number, clearing_2301.build(claim))
    return msgspec.structs.replace(body, adm_div_code=claim.adm_div_code)


def taken_claim(number: str, line: Line, day: date = MARCH_2) -> TakeBankClaim:
    """Such a claim of one line, as the books are told of it."""
    unit, function, amt, *_ = line
    return TakeBankClaim(
        claim_no=claim_key("102", number),
        voucher_no=number,
        vt_code=CLAIM,
        sender="bank/102",
        pay_bank_code="102",
        clear_date=day,
        fund_type_code="111",
        pay_amt=amt,
        lines=(BankClaimLine(sup_dep_code=unit, exp_func_code=function, pay_amt=amt),),
        notice_sm3=sm3(number.encode()).hex(),
        cert_serial="0" * 32,
        signature="AA==",
        document=compress_document(number.encode()),
    )

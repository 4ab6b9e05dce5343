"""Lists of subsidies, as tests enter them; nobody has these numbers."""

from typing import Any

from ledger.money import parse_yuan, yuan
from payments.subsidies.events import SubsidyLine
from payments.subsidies.lines import due_fen
from payments.subsidies.loading import LoadSubsidyList
from tests.support.wages import account, iden_no

SUBSIDY = {"gov_bgt_eco_code": "50999", "dep_bgt_eco_code": "30399"}
STANDARD_AMT = "100.00"


def subsidy_line(serial: int, quantity: str = "1", **said: Any) -> SubsidyLine:
    name = f"样例农户{serial}"
    given: dict[str, Any] = {
        "iden_no": iden_no(serial),
        "per_name": name,
        "payee_acct_name": name,
        "payee_acct_no": account(serial),
        "payee_acct_bank_name": "样例银行广州分行",
        "quantity": quantity,
        "pay_amt": yuan(due_fen(quantity, parse_yuan(STANDARD_AMT))),
    }
    return SubsidyLine(**{**given, **said})


def subsidy_list(number: str, *lines: SubsidyLine, **said: Any) -> LoadSubsidyList:
    given: dict[str, Any] = {
        "subsidy_code": "2-013",
        "pay_period": "2026-03",
        "bgt_id": "B1",
        "subsidy_std_amt": STANDARD_AMT,
        "pay_amt": yuan(sum(parse_yuan(line.pay_amt) for line in lines)),
        **said,
    }
    return LoadSubsidyList(subsidy_list_no=number, lines=lines, **given)

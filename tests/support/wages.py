"""Wages, as tests enter them; nobody has these numbers."""

from datetime import date, timedelta
from typing import Any

from ledger.elements.iden_no import check_digit
from ledger.money import parse_yuan, yuan
from payments.wages.lines import sums_of
from payments.wages.loading import LoadWageRun
from payments.wages.run_events import WageLine

WAGES = {"gov_bgt_eco_code": "50101", "dep_bgt_eco_code": "30101"}
MARCH = "2026-03"
_NOT_ASSIGNED = "990000"  # no division has this code


def iden_no(serial: int) -> str:
    """A number with a right last digit, of somebody who is made up."""
    born = date(1980, 1, 1) + timedelta(days=serial)
    first = f"{_NOT_ASSIGNED}{born:%Y%m%d}{serial % 1000:03d}"
    return first + check_digit(first)


def account(serial: int, prefix: str = "6222") -> str:
    return f"{prefix}{serial:015d}"


def wage_line(serial: int, net: str, bgt_id: str = "B1", **said: Any) -> WageLine:
    """Somebody's wages; ``tax``, ``insurance``, ``housing_fund`` are withheld of it."""
    withheld = {
        f"{field}_amt": said.pop(field)
        for field in ("income_tax", "insurance", "housing_fund")
        if field in said
    }
    ded_fen = sum(map(parse_yuan, withheld.values()))
    given: dict[str, Any] = {
        "agency_code": "101001",
        "bgt_id": bgt_id,
        "iden_no": iden_no(serial),
        "payee_acct_name": f"样例职工{serial}",
        "payee_acct_no": account(serial),
        "payee_acct_bank_name": "样例银行广州分行",
        "wage_sala": yuan(parse_yuan(net) + ded_fen),
        "total_ded": yuan(ded_fen) if ded_fen else "",
        "net_sala": net,
        **withheld,
    }
    return WageLine(**{**given, **said})


def wage_list(number: str, *lines: WageLine, **said: Any) -> LoadWageRun:
    sums = sums_of(lines)
    given: dict[str, Any] = {
        "sala_month": MARCH,
        "wage_sala": yuan(sums.wage_fen),
        "total_ded": yuan(sums.ded_fen),
        "net_sala": yuan(sums.net_fen),
        **said,
    }
    return LoadWageRun(wage_run_no=number, lines=lines, **given)


def five_people(bgt_id: str = "B1") -> tuple[WageLine, ...]:
    """Scenario 10: 1,000.00 net each; withheld of all together 50.00, 200.00, 300.00."""
    each = {"income_tax": "10.00", "insurance": "40.00", "housing_fund": "60.00"}
    return tuple(wage_line(n, "1000.00", bgt_id, **each) for n in range(1, 6))

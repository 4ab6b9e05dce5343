"""A county: 60 units with 300 projects, an approved budget, and a month of 2,000 payments.

Synthetic throughout and the same at every run: amounts log-normal, more payments toward the end of
the month, one line in a hundred refused by the bank, and some refunds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from api.demo.budget import ADMINISTRATION, INSTITUTION, Budget, PlannedRow, indicator_of
from api.demo.client import Json
from api.demo.stack import Stack
from ledger.money import parse_yuan, yuan

DIVISION = "440823000"  # 遂溪县; a code of GB/T 2260, the data is made up
LEDGER = f"/v1/ledgers/{DIVISION}-2026"
UNITS, INDICATORS_A_UNIT, PAYMENTS = 60, 5, 2_000
REFUNDS = 20
SEED = 20260301
HELD, HELD_AMT = "ZB-000-1", "3000000.00"  # 待分配: the first unit holds it for others
PARTS = {"102001": "1800000.00", "103001": "1200000.00"}
FAILING_ACCOUNT = "9999"
FAILING_SHARE = 0.01
BATCH_SHARE = 0.05

# (function, 政府经济, 部门经济, fund) of what a county pays for, public institutions among it
KINDS = (
    ("2010102", "50201", "30201", "111"),
    ("2010101", "50101", "30101", "111"),
    ("2050202", "50501", "30101", "111"),
    ("2101101", "50102", "30110", "111"),
    ("2080505", "50102", "30108", "111"),
)


@dataclass(frozen=True)
class Month:
    """What was done, for the summary; amounts in fen."""

    payments: int
    paid_fen: int
    failed_lines: int
    refunds: int
    clearings: int
    distributed_fen: int


def working_days() -> list[date]:
    """Mondays to Fridays of March 2026."""
    first = date(2026, 3, 1)
    days = (first + timedelta(days=n) for n in range(31))
    return [day for day in days if day.weekday() < 5]


def budget() -> Iterator[PlannedRow]:
    """A row for each unit and kind, half of the units being public institutions; and one that the
    first unit holds for others."""
    func, gov, dep, fund = KINDS[0]
    yield PlannedRow(
        bgt_pman_id="YS-000-1",
        agency_code="101001",
        agency_type_code=ADMINISTRATION,
        pro_code="440823260000000000001",
        pro_name="待分配经费",
        exp_func_code=func,
        gov_bgt_eco_code=gov,
        dep_bgt_eco_code=dep,
        fund_type_code=fund,
        amt=HELD_AMT,
        use_agency_codes=tuple(PARTS),
    )
    for unit in range(1, UNITS + 1):
        for index, (func, gov, dep, fund) in enumerate(KINDS[:INDICATORS_A_UNIT], 1):
            yield PlannedRow(
                bgt_pman_id=f"YS-{unit:03d}-{index}",
                agency_code=f"{100 + unit:03d}001",
                agency_type_code=ADMINISTRATION if unit % 2 else INSTITUTION,
                pro_code=f"44082326{unit:08d}{index:05d}",
                pro_name=f"样例项目{unit:03d}-{index}",
                exp_func_code=func,
                gov_bgt_eco_code=gov,
                dep_bgt_eco_code=dep,
                fund_type_code=fund,
                amt="30000000.00",
            )


def indicators() -> Iterator[Json]:
    """Each row issued as a whole; what is held for others 待下达."""
    for row in budget():
        indicator = indicator_of(row, row.bgt_pman_id.replace("YS", "ZB"), "2026-03-01")
        yield {**indicator, "bgt_exe_flag": 2} if indicator["bgt_id"] == HELD else indicator


def payments() -> dict[date, list[Json]]:
    """The month's payments by day, a third of them in its last week."""
    random = Random(SEED)  # noqa: S311 - a made-up month, the same at every run
    days = working_days()
    weights = [1.0] * (len(days) - 5) + [2.5] * 5
    numbers = count(1)
    by_day: dict[date, list[Json]] = {day: [] for day in days}
    for day in sorted(random.choices(days, weights, k=PAYMENTS)):
        by_day[day].append(_payment(random, f"SQ-{next(numbers):06d}", day))
    return by_day


def _payment(random: Random, number: str, day: date) -> Json:
    unit, index = random.randint(1, UNITS), random.randint(1, INDICATORS_A_UNIT)
    fen = min(round(random.lognormvariate(13.5, 1.2)), 200_000_000) + 1
    body: Json = {
        "pay_app_no": number,
        "bgt_id": f"ZB-{unit:03d}-{index}",
        "use_des": "三月支出",
        "effective_on": day.isoformat(),
        **_payee(random),
    }
    if random.random() < BATCH_SHARE:
        lines = random.randint(2, 40)
        share = max(1, fen // lines)
        body["details"] = [
            {"pay_detail_id": f"d{line}", "pay_amt": yuan(share), **_payee(random)}
            for line in range(1, lines + 1)
        ]
        fen = share * lines
    return {**body, "pay_amt": yuan(fen)}


def _payee(random: Random) -> Json:
    fails = random.random() < FAILING_SHARE
    account = (FAILING_ACCOUNT if fails else "6222") + f"{random.randrange(10**12):012d}"
    return {
        "payee_acct_name": f"样例收款人{random.randrange(1000):03d}",
        "payee_acct_no": account,
        "payee_acct_bank_name": "样例农村商业银行",
    }


def run(stack: Stack, progress: Callable[[int], None]) -> Month:
    """Opens the county's ledger and lives through the month; ``progress`` gets payments done."""
    stack.admin.post(
        "/v1/ledgers",
        {"mof_div_code": DIVISION, "fiscal_year": 2026, "name": "样例县 2026 年度"},
    )
    approved = Budget(LEDGER, "样例县", "4", "2026-01-20", list(budget()))
    for step in approved.steps():
        stack.client(step.person).done(step.path, step.body)
    issued = stack.maker.bulk(f"{LEDGER}/indicators:batch", list(indicators()))
    stack.agree(LEDGER, *(result["document"] for result in issued))
    stack.agree(LEDGER, stack.maker.post(f"{LEDGER}/indicators/{HELD}/distributions", _parts()))
    refundable: list[str] = []
    for number, (day, bodies) in enumerate(payments().items(), 1):
        if bodies:
            _pay(stack, bodies)
            refundable.append(bodies[0]["pay_app_no"])
        _refund(stack, refundable, day, number)
        stack.maker.post(
            f"{LEDGER}/clearings",
            {
                "clear_no": f"QS-{day:%m%d}",
                "clear_date": day.isoformat(),
                "pay_bank_code": "102",
            },
        )
        stack.maker.wait_cleared(LEDGER, f"QS-{day:%m%d}")
        progress(len(bodies))
    return _summary(stack)


def _parts() -> Json:
    """待分配分配: what the first unit holds goes to two others."""
    parts = [
        {"bgt_id": f"{HELD}-{number}", "agency_code": agency_code, "amount": amount}
        for number, (agency_code, amount) in enumerate(PARTS.items(), 1)
    ]
    return {
        "dist_no": "FP-1",
        "parts": parts,
        "cor_bgt_doc_no": "样财预〔2026〕3号",
        "effective_on": "2026-03-01",
    }


def _pay(stack: Stack, bodies: list[Json]) -> None:
    numbers = [body["pay_app_no"] for body in bodies]
    stack.maker.bulk(f"{LEDGER}/payments:batch", bodies)
    stack.checker.bulk(f"{LEDGER}/payments:approve", {"pay_app_nos": numbers})
    stack.signer.bulk(f"{LEDGER}/payments:sign", {"pay_app_nos": numbers, "role": "treasury"})
    stack.maker.wait_settled(LEDGER)


def _refund(stack: Stack, refundable: list[str], day: date, number: int) -> None:
    """A part of an earlier payment comes back, on most days."""
    if number > REFUNDS or not refundable:
        return
    pay_app_no = refundable[0]
    payment = stack.maker.get(f"{LEDGER}/payments/{pay_app_no}")
    left_fen = parse_yuan(payment["xpay_amt"], zero=True) - parse_yuan(
        payment["refund_amt"], zero=True
    )
    if left_fen >= 2:
        refund_no = f"TK-{day:%m%d}"
        asked = stack.maker.post(
            f"{LEDGER}/payments/{pay_app_no}/refunds",
            {
                "refund_no": refund_no,
                "refund_amt": yuan(left_fen // 2),
                "reason": "收款人退回",
                "effective_on": day.isoformat(),
            },
        )
        stack.agree(LEDGER, asked)
        stack.maker.wait_refunded(LEDGER, pay_app_no, refund_no)
    refundable.pop(0)


def _summary(stack: Stack) -> Month:
    items = list(stack.maker.pages(f"{LEDGER}/payments"))
    clearings = list(stack.maker.pages(f"{LEDGER}/clearings"))
    parts = stack.maker.pages(f"{LEDGER}/indicators", distributed_from=HELD)
    return Month(
        payments=len(items),
        paid_fen=sum(parse_yuan(item["xpay_amt"], zero=True) for item in items),
        failed_lines=sum(item["status"] in ("failed", "partially_paid") for item in items),
        refunds=sum(parse_yuan(item["refund_amt"], zero=True) > 0 for item in items),
        clearings=len(clearings),
        distributed_fen=sum(parse_yuan(part["amount"]) for part in parts),
    )

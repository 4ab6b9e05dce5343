"""Reading the six books over HTTP, and the identities that tie them together (核对关系)."""

from dataclasses import dataclass

from api.demo.client import Client
from ledger.money import parse_yuan, yuan
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM

OUTLAYS = (
    "一般公共预算支出",
    "政府性基金预算支出",
    "国有资本经营预算支出",
    "财政专户管理资金支出",
)


@dataclass(frozen=True)
class Identity:
    """Figures that must be the same, each with where it comes from; amounts in fen."""

    name: str
    figures: dict[str, int]

    @property
    def holds(self) -> bool:
        return len(set(self.figures.values())) == 1

    def __str__(self) -> str:
        return " = ".join(f"{name} {yuan(fen)}" for name, fen in self.figures.items())


def balances(client: Client, ledger: str) -> dict[str, int]:
    """Closing balance of each account by its name, in fen, debit positive."""
    trial = client.get(f"{ledger}/trial-balance")
    return {
        account["acct_cls_name"]: account["dr_cr"] * parse_yuan(account["closing"], zero=True)
        for account in trial["accounts"]
    }


def identities(client: Client, ledger: str) -> list[Identity]:
    """The reconciliation identities between books, bank and central bank."""
    books = balances(client, ledger)
    trial = client.get(f"{ledger}/trial-balance")
    payments = list(client.pages(f"{ledger}/payments"))
    paid = sum(parse_yuan(p["xpay_amt"], zero=True) for p in payments)
    refunded = sum(parse_yuan(p["refund_amt"], zero=True) for p in payments)
    claimed = {CLAIM: 0, REFUND_CLAIM: 0}
    for clearing in client.pages(f"{ledger}/clearings"):
        if clearing["status"] == "cleared":
            for claim in clearing["claims"]:
                claimed[claim["vt_code"]] += parse_yuan(claim["pay_amt"])
    indicators = list(client.pages(f"{ledger}/indicators"))
    debit_credit = [
        Identity(
            f"{total['book']} 借贷平衡",
            {
                "借": parse_yuan(total["debit"], zero=True),
                "贷": parse_yuan(total["credit"], zero=True),
            },
        )
        for total in trial["totals"]
    ]
    return [
        *debit_credit,
        Identity(
            "支付一致",
            {
                "支付(指标账)": -books.get("支付", 0),
                "Σ回单−退款": paid - refunded,
                "Σ2301−Σ2302": claimed[CLAIM] - claimed[REFUND_CLAIM],
                "−Δ国库存款": -books.get("国库存款", 0),
                "预算支出": _outlay(books),
                "单位支出": books.get("行政支出", 0) + books.get("事业支出", 0),
            },
        ),
        Identity(
            "指标余额",
            {
                "支出指标(指标账)": -books.get("支出指标", 0),
                "Σ可用指标": sum(parse_yuan(i["canuse_amt"], zero=True) for i in indicators),
            },
        ),
        Identity("零余额账户", {"余额": books.get("零余额账户", 0), "应为": 0}),
    ]


def _outlay(books: dict[str, int]) -> int:
    return sum(books.get(name, 0) for name in OUTLAYS)

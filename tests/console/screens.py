"""Every screen of the console, and the numbers of what the day puts on them."""

from tests.console.persons import PAYMENT

PROJECT, DRAFT, RUN, CLEARING = "440000260000000000008", "ES-101001", "PL-1", "QS-1"
OWN_SIGNED = "SQ-2026-0002"
BY_AGENT = "SQ-2026-0010"
# each at its first look
SCREENS = (
    *("", "/indicators", "/indicators/B1", "/apply?bgt_id=B1", "/review", "/payments"),
    *(f"/payments/{PAYMENT}", "/books", "/journals?book=indicator", "/closing"),
    *(f"/audit?of=payment&number={PAYMENT}", "/system", "/units", "/projects"),
    *(f"/projects/{PROJECT}", "/budget", "/plans?bgt_id=B1", "/runs", f"/runs/{RUN}"),
    *(f"/returns?pay_app_no={PAYMENT}", "/settling", f"/clearings/{CLEARING}"),
    *("/transfers", "/signing", "/channels"),
)
# what lies behind their tabs; two of one screen do not stand side by side: the page is the same
BEHIND_TABS = (
    *("/indicators?by=agency", "/review?tab=applied", "/units?tab=accounts"),
    *("/closing?tab=statements&name=budget_execution", "/audit?of=indicator&number=B1"),
    *(f"/budget?tab=draft&draft_no={DRAFT}", "/returns?tab=corrections", "/audit?tab=history"),
    *("/settling?tab=reconciliations", "/budget?tab=rows", "/settling?tab=cash"),
    *("/audit?tab=refusals", "/budget?tab=reports", "/transfers?tab=sent"),
    *("/settling?tab=suspense", "/system?tab=persons", "/transfers?tab=received"),
    *("/system?tab=certificates", "/transfers?tab=funds", "/system?tab=codes"),
)


def payees(*amounts: str) -> str:
    """A list of persons who are paid by a run."""
    rows = ["收款人全称,收款人账号,收款人开户银行,支付金额"]
    for at, amount in enumerate(amounts):
        rows.append(f"居民{at},622200000000000000{at},样例银行广州分行,{amount}")
    return "\n".join(rows) + "\n"

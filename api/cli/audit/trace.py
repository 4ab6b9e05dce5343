"""``guoku audit trace``: a payment's chain, or an indicator to every fen, as a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from psycopg import Connection
    from rich.tree import Tree

    from projections.tracing.facts import Source
    from projections.tracing.indicator import IndicatorTrace, TracedPayment
    from projections.tracing.links import Link

app = typer.Typer(no_args_is_help=True, help="Trace 溯源: a payment, an indicator.")

T = TypeVar("T")

Ledger = Annotated[str, typer.Option(help="e.g. 440000000-2026")]

STEPS = {
    "project": "项目",
    "draft": "预算草案",
    "budget": "预算",
    "indicator": "指标",
    "plan": "用款计划",
    "payment": "支付申请",
    "voucher": "支付凭证",
    "receipt": "银行回单",
    "clearing": "清算",
    "journals": "记账凭证",
}
STATUSES = {
    "applied": "待审核",
    "approved": "待签章",
    "signed": "待发送",
    "sent": "已发送",
    "paid": "已支付",
    "partially_paid": "部分支付",
    "failed": "支付失败",
    "rejected": "已退回",
    "withdrawn": "已撤回",
    "voided": "已作废",
    "refunded": "已退款",
}
PROOFS = {
    "amount = issued + adjusted + reallocated_in - reallocated_out + others": (
        "指标金额 = 下达 + 追加追减 + 调入 - 调出 + 其他"
    ),
    "amount = canuse + frozen + occupied + net_paid": "指标金额 = 可用 + 冻结 + 占用 + 净支付",
    "frozen_amt = frozen - unfrozen": "冻结 = 冻结累计 - 解冻累计",
    "pay_app_amt = applied - released - paid": "占用 = 申请 - 释放 - 实付",
    "pay_amt = paid - refunded": "净支付 = 实付 - 退款",
    "plan_amt = planned": "计划 = 计划累计",
}
# what is shown of a fact, in this order, where it has it
_SHOWN = ("bgt_id", "draft_no", "round", "level", "approve_doc_no", "agency_code", "agency_name",
          "pro_code", "pro_name", "exp_func_code", "exp_func_name", "amount", "reply_amt",
          "adj_no", "adj_amt", "dis_amt", "freeze_no", "plan_voucher_no", "plan_month", "plan_amt",
          "amt", "from_bgt_id", "to_bgt_id", "pay_amt", "use_des", "payee_acct_name",
          "payee_acct_no", "pay_cert_no", "role", "cert_serial", "manifest_no", "leaf", "outcome",
          "xpay_amt", "xpay_date", "refund_no", "refund_amt", "refund_date", "clear_no",
          "clear_date", "voucher_no", "xclear_date", "reason", "rejected", "by")  # fmt: skip


@app.command()
def payment(
    number: Annotated[str, typer.Argument(help="The payment's pay_app_no.")], ledger: Ledger
) -> None:
    """Shows a payment's chain: back to its budget and project, on to clearing and journals."""
    from projections.tracing.payment import trace_payment

    found = _read(ledger, lambda connection, key: trace_payment(connection, key, number))
    tree = _tree(f"支付 {number}  {STATUSES.get(found.status, found.status)}  账套 {found.ledger}")
    for link in found.chain:
        _add_step(tree, link)
        if link.step == "budget" and found.sources:
            _add_sources(tree, found.sources)
    _show(tree)


@app.command()
def indicator(
    number: Annotated[str, typer.Argument(help="The indicator's bgt_id.")],
    ledger: Ledger,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Payments that are shown.")] = 50,
) -> None:
    """Shows where an indicator's money came from and where every fen of it is, with its proofs.

    Exit code 1 when the sums of what happened are not the figures that were kept.
    """
    from projections.tracing.indicator import trace_indicator

    found = _read(
        ledger, lambda connection, key: trace_indicator(connection, key, number, None, limit)
    )
    _show(_indicator_tree(found))
    assert found.proofs, "they come with the first page"
    if not all(proof.holds for proof in found.proofs):
        raise typer.Exit(1)


def _indicator_tree(found: IndicatorTrace) -> Tree:
    figures, sums = found.figures, found.sums
    assert figures
    assert sums
    tree = _tree(f"指标 {found.bgt_id}  账套 {found.ledger}  截至 {found.position}")
    for link in found.origin or ():
        _add_step(tree, link)
    moved = _add(tree, "变动")
    for fact in found.movements or ():
        _add(moved, _fact_line(fact))
    if found.movements_left_out:
        _add(moved, f"… 另有 {found.movements_left_out} 笔, 已计入合计")
    if found.sources:
        _add_sources(tree, found.sources)
    where = _add(tree, f"去向  指标金额 {figures.amount}")
    _add(where, f"可用 {figures.canuse_amt}")
    _add(where, f"冻结 {figures.frozen_amt}")
    _add(where, f"占用 {sums.occupied}")
    _add(where, f"净支付 {sums.net_paid}  (实付 {sums.paid}, 退款 {sums.refunded})")
    paid = _add(tree, f"支付 {sums.payments} 笔, 申请 {sums.applied}, 释放 {sums.released}")
    for item in found.payments:
        _add_payment(paid, item)
    if (more := sums.payments - len(found.payments)) > 0:
        _add(paid, f"… 另有 {more} 笔 (--limit)")
    proofs = _add(tree, "核对关系")
    for proof in found.proofs or ():
        verdict = "相符" if proof.holds else "不符"
        name = PROOFS.get(proof.name, proof.name)
        _add(proofs, f"{name}: {proof.left} = {proof.right}  {verdict}")
    return tree


def _add_payment(tree: Tree, item: TracedPayment) -> None:
    branch = _add(
        tree,
        f"{item.pay_app_no}  {STATUSES.get(item.status, item.status)}  {item.effective_on}"
        f"  申请 {item.pay_amt}  占用 {item.occupied_amt}  净支付 {item.net_paid_amt}"
        f"  [{item.applied_position}–{item.last_position}]",
    )
    for refund in item.refunds:
        _add(branch, f"退款 {refund.refund_no}  {refund.refund_date}  {refund.refund_amt}")


def _add_step(tree: Tree, link: Link) -> None:
    branch = _add(tree, " ".join(filter(None, (STEPS[link.step], link.number))))
    for fact in link.facts:
        line = _add(branch, _fact_line(fact))
        for account, dr_cr, amount, *_ in fact.get("lines", ()):
            _add(line, f"{'借' if dr_cr == 1 else '贷'} {account} {amount}")
    if not link.is_whole:
        _add(branch, "… 另有更多")


def _add_sources(tree: Tree, sources: Iterable[Source]) -> None:
    branch = _add(tree, "调剂来源")
    for source in sources:
        _add(
            branch,
            f"{source.bgt_id} → {source.into_bgt_id}  {source.adj_no}  {source.amt}"
            f"  {source.agency_code} {source.agency_name} {source.pro_code} {source.pro_name}"
            f"  批复 {source.amount} {source.positions}",
        )


def _fact_line(fact: dict[str, Any]) -> str:
    type_name = fact.get("type", "")
    shown = (f"{name}={fact[name]}" for name in _SHOWN if fact.get(name) not in (None, ""))
    label = _title(type_name)
    return " ".join(filter(None, (f"[{fact['position']}]", label, *shown)))


def _title(type_name: str) -> str:
    from ledger.events import title_of

    return title_of(type_name) or type_name


def _read(ledger: str, read: Callable[[Connection, int], T]) -> T:
    """Reads what is asked for, with read models brought to the head of the ledger first."""
    from api.cli.session import treasury
    from ledger.account_set import parse_ledger
    from ledger.errors import AccessError, Code
    from ledger.reading.objects import read_head
    from projections.core.runner import Runner

    key = parse_ledger(ledger)
    with treasury() as core:
        with core.pool.connection() as connection:
            if read_head(connection, key) is None:
                raise AccessError(Code.LEDGER_NOT_FOUND, f"no ledger {ledger} has been opened")
        runner = Runner(core.pool)
        while runner.run_once([key]):
            pass
        with core.pool.connection() as connection:
            return read(connection, key)


def _tree(title: str) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    return Tree(Text(title, style="bold"))


def _add(tree: Tree, line: str) -> Tree:
    """A branch with the line as it is, whatever brackets it has."""
    from rich.text import Text

    return tree.add(Text(line))


def _show(tree: Tree) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:  # a line stays a line for programs
        console = Console(width=10_000)
    console.print(tree)

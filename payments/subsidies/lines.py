"""What a line of a subsidy must be: a person's, quantity times standard, to an account. Pure."""

from collections.abc import Iterator
from functools import partial

from ledger.elements.iden_no import wrong_with
from ledger.errors import Code
from ledger.files.columns import Layout
from ledger.money import stored_fen, yuan
from payments.list_files import LineRules, WrongField
from payments.subsidies.events import SubsidyLine

LINES_MAX = 5_000  # each of its persons is looked up, and entered
_SCALE = 10_000  # a quantity has at most four decimals
_DECIMALS = 4
_PAYEE = ("payee_acct_name", "payee_acct_no", "payee_acct_bank_name")
_REQUIRED = ("iden_no", "per_name", *_PAYEE, "quantity", "pay_amt")
_LAYOUT = Layout(fields=SubsidyLine.__struct_fields__, required=_REQUIRED, amounts=("pay_amt",))


def rules_of(std_fen: int) -> LineRules:
    """What the lines of a list are held to, whose standard is so many fen a unit."""
    return LineRules(SubsidyLine, _LAYOUT, (), partial(wrong_in, std_fen), LINES_MAX)


def due_fen(quantity: str, std_fen: int) -> int:
    """Quantity times standard, to the fen, a half of which counts as one."""
    whole, _, decimals = quantity.partition(".")
    scaled = int(whole) * _SCALE + int(decimals.ljust(_DECIMALS, "0") or "0")
    return (scaled * std_fen + _SCALE // 2) // _SCALE


def wrong_in(std_fen: int, line: SubsidyLine) -> Iterator[WrongField]:
    """What is wrong with a line by itself; its quantity and amount can be read."""
    if problem := wrong_with(line.iden_no):
        yield WrongField("iden_no", Code.DETAILS_MISMATCH, problem)
    if line.payee_acct_name == line.per_name:
        if line.payee_iden_no not in ("", line.iden_no):
            problem = f"the account is {line.per_name}'s own, whose number is another"
            yield WrongField("payee_iden_no", Code.DETAILS_MISMATCH, problem)
    elif problem := wrong_with(line.payee_iden_no):
        detail = f"{line.payee_acct_name} receives it for {line.per_name} 代领: {problem}"
        yield WrongField("payee_iden_no", Code.DETAILS_MISMATCH, detail)
    due = due_fen(line.quantity, std_fen)
    if stored_fen(line.pay_amt) != due:
        detail = f"{line.quantity} times {yuan(std_fen)} is {yuan(due)}, not {line.pay_amt}"
        yield WrongField("pay_amt", Code.DETAILS_MISMATCH, detail)

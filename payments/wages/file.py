"""工资表: a list of wages as people send it, a person a line, 应发 − 扣款 = 实发."""

from typing import BinaryIO

from ledger.files.columns import Layout
from payments.list_files import LineRules, ListFile, read_list_file
from payments.wages.lines import AMOUNTS, MAY_BE_ZERO, wrong_in
from payments.wages.run import LINES_MAX
from payments.wages.run_events import WageLine

_PAYEE = ("payee_acct_name", "payee_acct_no", "payee_acct_bank_name")
_REQUIRED = ("agency_code", "bgt_id", "iden_no", *_PAYEE, "wage_sala", "net_sala")
LAYOUT = Layout(fields=WageLine.__struct_fields__, required=_REQUIRED, amounts=AMOUNTS)
RULES = LineRules(WageLine, LAYOUT, MAY_BE_ZERO, wrong_in, LINES_MAX)


def read_wage_file(file: BinaryIO, media_type: str, charset: str = "") -> ListFile:
    """The lines of a file; raises what :func:`read_list_file` raises."""
    return read_list_file(RULES, file, media_type, charset)

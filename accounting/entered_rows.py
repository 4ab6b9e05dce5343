"""录入: a balance or an entry as an accountant enters it, on one account."""

from typing import Literal

import msgspec

from ledger.events import Yuan

KEPT_BY = (
    "tre_code",
    "acct_no",
    "agency_code",
    "pro_code",
    "exp_func_code",
    "gov_bgt_eco_code",
    "dep_bgt_eco_code",
    "inc_sort_code",
    "fund_type_code",
)


class EnteredRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The account by its official code or by the chart's own id, the side (1 debit, -1 credit), and
    the elements that the amount is kept by.

    ``tre_code`` or ``acct_no`` names the account at the treasury or a bank, where it is one.
    """

    dr_cr: Literal[1, -1]
    amt: Yuan
    acct_cls_code: str = ""
    acct_cls_id: str = ""
    tre_code: str = ""
    acct_no: str = ""
    agency_code: str = ""
    pro_code: str = ""
    exp_func_code: str = ""
    gov_bgt_eco_code: str = ""
    dep_bgt_eco_code: str = ""
    inc_sort_code: str = ""
    fund_type_code: str = ""

    @property
    def codes(self) -> dict[str, str]:
        """The elements that it is kept by, those that it says."""
        said = {name: getattr(self, name) for name in KEPT_BY}
        return {name: code for name, code in said.items() if code}


class NamedAccount(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The account of a row, as the chart of then has it; ``acct_cls_code`` is the official code, or
    "" where none is established."""

    acct_cls_id: str
    acct_cls_code: str
    acct_cls_name: str

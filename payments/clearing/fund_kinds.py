"""Kinds of funds at the treasury: which lie together, and by which rules they are claimed."""

_KIND_DIGITS = 2
_NOT_HERE = "2"  # 财政专户管理资金 lies in special accounts


def kind_of(fund_type_code: str) -> str:
    """The kind of a fund: 11 一般公共预算, 12 政府性基金, 13 国有资本经营; "" of a wider one."""
    kind = fund_type_code[:_KIND_DIGITS]
    return kind if len(kind) == _KIND_DIGITS else ""


def is_cash(fund_type_code: str) -> bool:
    """Whether a fund lies at the treasury."""
    return not fund_type_code.startswith(_NOT_HERE)


def rule_of_claim(vt_code: str, fund_type_code: str, *, prior: bool = False) -> str:
    """The rule of the chart by which a claim, or a return, is booked when it is settled; ``prior``
    where the year before has paid it."""
    year = "_prior" if prior else ""
    return f"clearing.{vt_code}{year}" + ("" if is_cash(fund_type_code) else "_special")

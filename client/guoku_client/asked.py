"""What is asked for: structs with the element names of the standard, amounts as :data:`Amount`.

What is left at its default is not sent. An amount is checked when the struct is made
(:class:`AmountError`); everything else is the server's to judge.
"""

from datetime import date
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from guoku_client.amounts import Amount, yuan


class RequestBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The amounts among the fields become ``Decimal`` with two decimals."""

    def __post_init__(self) -> None:
        for name, optional in _amounts_of(type(self)):
            value = getattr(self, name)
            if value is not None or not optional:
                force_setattr(self, name, yuan(value, name))


@cache
def _amounts_of(kind: type[RequestBody]) -> list[tuple[str, bool]]:
    """The fields of a struct that are amounts, and whether they may be left out."""
    return [
        (field.name, not field.required)
        for field in msgspec.structs.fields(kind)
        if field.name == "amount" or field.name.endswith("_amt")
    ]


class NewLedger(RequestBody, frozen=True, kw_only=True):
    """A year's books of a division; ``approval_policy`` of kinds that want other persons."""

    mof_div_code: str
    fiscal_year: int
    name: str
    approval_policy: dict[str, list[str]] | None = None
    plan_control: str = "total"


class NewIndicator(RequestBody, frozen=True, kw_only=True):
    """An indicator 指标; ``bgt_id`` is its number."""

    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str = ""
    fund_type_code: str
    bgt_type_code: str
    amount: Amount
    is_contrlbyplan: bool = False
    bgt_exe_flag: int = 1
    bgt_pman_id: str = ""
    cor_bgt_doc_no: str = ""
    bgt_doc_title: str = ""
    doc_date: str = ""
    sup_bgt_doc_no: str = ""
    source_type_code: str = ""
    budget_level_code: str = ""
    is_gov_pur: bool = False
    is_dir_code: str = ""
    track_pro_code: str = ""
    ori_bgt_id: str = ""
    mof_dep_code: str = ""
    bond_code: str = ""
    effective_on: date | None = None


class NewDetail(RequestBody, frozen=True, kw_only=True):
    """A line of a payment to many; the last five fields say what was spent with a 公务卡."""

    pay_detail_id: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    pay_amt: Amount
    payee_bank_no: str = ""
    iden_no: str = ""
    remark: str = ""
    card_no: str = ""
    consume_date: str = ""
    card_auth_no: str = ""
    merchant_name: str = ""
    consume_amt: Amount | None = None


class NewPayment(RequestBody, frozen=True, kw_only=True):
    """A payment application 支付申请; ``pay_app_no`` is its number."""

    pay_app_no: str
    bgt_id: str
    pay_amt: Amount
    use_des: str
    payee_acct_name: str = ""
    payee_acct_no: str = ""
    payee_acct_bank_name: str = ""
    payee_bank_no: str = ""
    set_mode_code: str = "1"
    pay_bus_type_code: str = "1"
    agency_code: str = ""
    pro_code: str = ""
    exp_func_code: str = ""
    gov_bgt_eco_code: str = ""
    dep_bgt_eco_code: str = ""
    fund_type_code: str = ""
    details: tuple[NewDetail, ...] = ()
    contract_no: str = ""
    current_item_code: str = ""
    monitor_reason: str = ""
    receiver_code: str = ""
    pay_acct_no: str = ""
    bond_code: str = ""
    effective_on: date | None = None


class NewRefund(RequestBody, frozen=True, kw_only=True):
    """The announcement of a refund 退款 of a payment, or of one line of it."""

    refund_no: str
    refund_amt: Amount
    reason: str
    pay_detail_id: str = ""
    effective_on: date | None = None


class DocumentName(RequestBody, frozen=True, kw_only=True):
    """A document that waits: its kind, an operation such as ``indicator.issue``, and its number."""

    kind: str
    number: str


def fields_of(**given: Any) -> dict[str, Any]:
    """A body of a few fields; what is None is left out."""
    return {name: value for name, value in given.items() if value is not None}

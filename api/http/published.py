"""What FastAPI publishes of our structs: a pydantic model of each, made once.

Bodies are read into msgspec structs and answers are written from them. FastAPI makes its document
from pydantic models; here is the model of a struct, so that no shape is written down twice. An
answer's fields are always there, but for those that are left out when unset; a body's fields may be
left out where the command has a default. What an element is called and how long it may be stands in
the register of elements.
"""

import inspect
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import UnsetType
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from api.http.models.enums import CheckingLevel, PersonRole, SigningRole, SigningScope
from api.http.models.shown import may_be_missing
from api.http.soundness import AMOUNTS
from ledger.elements.code_sets import ElementRegister
from ledger.elements.register import SAME_ELEMENT
from payments.signature_policy import SetSignaturePolicy
from projections.tracing.facts import FactFields

Amount = Annotated[
    str,
    Field(
        pattern=r"^-?(0|[1-9][0-9]{0,15})\.[0-9]{2}$",
        description="yuan, two decimals",
        examples=["1234.56"],
    ),
]
# fields that say the same wherever they stand
_BY_NAME: dict[str, tuple[type[Any], Any]] = {
    **dict.fromkeys((*AMOUNTS, "opening", "debit", "credit", "closing"), (str, Amount)),
    "dr_cr": (int, Literal[1, -1]),
    "signing": (str, SigningScope),
    "roles": (str, PersonRole),  # what a person acts as; where it is what is signed, that is said
    "role": (str, PersonRole),
    "level": (str, CheckingLevel),
}
EXAMPLES: dict[str, Any] = {
    "pay_app_no": "SQ-440000-20260302-00001",
    "bgt_id": "B-2026-0001",
    "payee_acct_name": "样例办公用品有限公司",
    "payee_acct_no": "6222000000000000001",
    "payee_acct_bank_name": "样例银行广州分行",
    "use_des": "办公用品",
    "mof_div_code": "440000000",
    "fiscal_year": 2026,
    "agency_code": "101001",
    "pro_code": "440000260000000000001",
    "exp_func_code": "2010102",
    "gov_bgt_eco_code": "50201",
    "dep_bgt_eco_code": "30201",
    "fund_type_code": "111",
    "bgt_type_code": "21",
    "pay_bank_code": "102",
    "acct_no": "44001000000000001",
    "acct_name": "样例省教育厅",
    "acct_bank_name": "样例银行广州分行",
    "bank_no": "102581000013",
    "acc_type_code": "21",
    "card_no": "6282880000000000018",
    "receiver_code": "SKR-0001",
    "receiver_kind": "2",
    "std_code": "CLF-001",
    "division": "4401",
    "webhook_no": "TS-001",
    "unit": "人天",
    "staff_no": "101001-1",
    "staff_count": 42,
    "post_count": 45,
    "perf_ind_code": "CC0101",
    "perf_ind_name": "公路改造里程",
    "perf_ind_level": "3",
    "parent_perf_ind_code": "CC01",
    "computesign": "≥",
    "meterunit": "公里",
    "pro_name": "农村公路改造",
    "pro_cat_code": "3",
    "pro_total_amt": "900.00",
    "pro_start_year": 2026,
    "pro_term": 3,
    "pro_des": "改造县乡公路 120 公里",
    "kpi_target": "三年内改造农村公路 120 公里",
    "yearflag": "1",
    "standard_code": "GY-01",
    "standard_amt": "8000.00",
    "head_count": 120,
    "ceiling_no": "KZ-2026-0001",
    "draft_no": "ES-2026-101001",
    "bgt_pman_id": "BP-2026-0001",
    "transfer_no": "ZY-2026-0001",
    "rec_div_code": "440100000",
    "tp_func_code": "23003",
    "bgt_doc_no": "粤财预〔2026〕8号",
    "sup_bgt_doc_no": "粤财预〔2026〕8号",
    "rec_no": "JS-2026-0001",
    "dispatch_no": "DD-2026-0001",
    "settle_no": "JQ-2026-0001",
    "settle_kind": "subsidy",
    "reduce_no": "TJ-2026-0001",
    "return_no": "TH-2026-0001",
    "inc_sort_code": "10101",
    "approve_doc_no": "粤人常〔2026〕1号",
    "agency_name": "样例省教育厅",
    "agency_type_code": "1",
    "parent_agency_code": "101",
    "successor_agency_code": "101002",
    "unifsoc_cred_code": "114400000000000001",
    "mof_dep_code": "06",
    "pur_plan_no": "CG-2026-0001",
    "pur_class": "A02010105 台式计算机",
    "pur_amt": "50000.00",
    "contract_no": "HT-2026-0001",
    "contract_name": "办公设备采购合同",
    "contract_amt": "48000.00",
    "year_amt": "48000.00",
    "sign_date": "2026-03-02",
    "expiry_date": "2027-03-01",
    "end_no": "ZZ-2026-0001",
    "clear_no": "QS-20260302-01",
    "claim_no": "102-20260302-1",
    "claim_nos": "102-20260302-1",
    "claimed_by": "banks",
    "singly_from_amt": "50000000.00",
    "clear_date": "2026-03-02",
    "recon_no": "102-DZ20260115",
    "compare_no": "BD-20260116-01",
    "report_no": "3401-20260115",
    "report_date": "2026-01-15",
    "correct_no": "GZ-20260116-01",
    "budget_level_code": "2",
    "adv_no": "YB-2026-001",
    "alloc_no": "SB-2026-001",
    "place_no": "XJ-2026-001",
    "debt_limit_no": "XE-2026-001",
    "general_amt": "500000000.00",
    "special_amt": "800000000.00",
    "bond_code": "2605123",
    "bond_name": "2026年样例省政府专项债券（一期）",
    "bond_type_code": "2",
    "principal_amt": "300000000.00",
    "int_rate": "2.35",
    "int_times": "2",
    "issue_date": "2026-03-02",
    "due_date": "2036-03-02",
    "from_div_code": "440000000",
    "opening_amt": "0.00",
    "issue_no": "FX-2026-001",
    "int_accrual_no": "JT-2026-03-001",
    "inc_refund_no": "TF-2026-001",
    "inc_cor_no": "SG-2026-001",
    "to_inc_sort_code": "10305",
    "to_fund_type_code": "111",
    "to_budget_level_code": "2",
    "to_tre_code": "4412820000",
    "step_no": "YB-2026-001-1",
    "of_step_no": "YB-2026-001-1",
    "object": "样例县财政局",
    "limit_amt": "50000000.00",
    "approval_doc_no": "府办〔2026〕1号",
    "due_on": "2026-12-15",
    "book": "treasury_financial",
    "opening_no": "treasury_financial-1f0c9f1a2b3c4d5e",
    "voucher_no": "JZ-2026-03-0001",
    "red_voucher_no": "JZ-2026-03-0002",
    "acct_period": "2026-03",
    "voucher_abs": "计提三月折旧",
    "vou_cnt": 1,
    "acct_cls_code": "1001",
    "acct_cls_id": "B1",
    "tre_code": "4400000000",
    "suspense_no": "102-102202603020001",
    "refund_no": "TK-20260302-01",
    "cor_no": "GZ-20260302-01",
    "undoes": "GZ-20260302-01",
    "tell_no": "GZ-20260302-01-A",
    "again_of": "GZ-20260302-01-5351",
    "subsidy_list_no": "BT-202603-01",
    "subsidy_code": "2-013",
    "pay_period": "2026-03",
    "quantity": "3.25",
    "wage_run_no": "GZ-202603",
    "accrual_no": "JT-202603-101001",
    "withhold_no": "DK-202603-101001",
    "sala_month": "2026-03",
    "adj_no": "TZ-2026-01",
    "freeze_no": "DJ-2026-01",
    "plan_voucher_no": "JH-2026-03-01",
    "plan_month": 3,
    "run_no": "PL-2026-03-01",
    "reason": "收款人账号有误",
    "principal": "zhang.san",
    "token_sm3": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    "valid_until": "2026-12-31",
    "change_no": "QX-2026-01",
    "cert_serial": "66c7f0f462eeedd9d1f2d46bdc10e4e2",
    "url": "https://bank.example.cn/mof",
    "start_date": "2026-03-02",
    "end_date": "2027-01-01",
}


class TracedFact(BaseModel):
    """An event as it says it, with its position; its other members are those of its type."""

    model_config = ConfigDict(extra="allow")

    position: int
    type: str = may_be_missing()


class PublishedAs:
    """Marks a parameter as published in the shape of a model, whatever the program takes it as.

    Args:
        most: where it is a list of such, at least one, how many there may be.
    """

    def __init__(self, kind: Any, *, most: int = 0) -> None:
        self._kind = kind
        self._most = most

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        shape = handler.generate_schema(published(self._kind))
        if self._most:
            shape = core_schema.list_schema(shape, min_length=1, max_length=self._most)
        return core_schema.no_info_wrap_validator_function(_as_it_came, shape)


def _as_it_came(value: Any, _check: Any) -> Any:
    return value


def published(kind: Any) -> Any:
    """The type that FastAPI publishes for ``kind``: pydantic models in the place of structs."""
    return _published(kind, None)


def _published(kind: Any, instead: tuple[Any, Any] | None) -> Any:
    """``instead``: (a type, what is published wherever it stands in ``kind``)."""
    if instead is not None and kind is instead[0]:
        return instead[1]
    if kind == FactFields:
        return TracedFact
    origin, arguments = get_origin(kind), get_args(kind)
    if _is_struct(origin or kind):
        return _model(kind)
    if origin is Annotated:
        return _annotated(arguments[0], arguments[1:], instead)
    if origin in (Union, UnionType):
        kinds = [_published(one, instead) for one in arguments if one is not UnsetType]
        return Union[tuple(kinds)]  # noqa: UP007 - made of a list
    if origin is tuple:
        return list[_published(arguments[0], instead)]  # type: ignore[misc]
    if origin in (list, dict):
        return origin[tuple(_published(one, instead) for one in arguments)]
    return kind


def _annotated(kind: Any, notes: tuple[Any, ...], instead: tuple[Any, Any] | None) -> Any:
    for note in notes:
        if isinstance(note, msgspec.Meta):
            if note.extra and "published" in note.extra:
                return published(note.extra["published"])
            return Annotated[
                _published(kind, instead),
                Field(description=note.description, examples=note.examples),
            ]
    return _published(kind, instead)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


@cache
def _model(kind: Any) -> type[BaseModel]:
    struct = get_origin(kind) or kind
    is_body = struct.__struct_config__.forbid_unknown_fields
    of_struct = msgspec.structs.fields(kind)
    said = _BY_NAME
    if issubclass(struct, SetSignaturePolicy):
        said = {**_BY_NAME, "roles": (str, SigningRole)}  # a command does not know of the document
    fields = {f.name: _field(f, said.get(f.name), is_body=is_body) for f in of_struct}
    model: type[BaseModel] = create_model(
        _name(kind),
        __config__=ConfigDict(extra="forbid", title=_name(kind)),
        __doc__=_first_paragraph(struct),
        __module__=struct.__module__,
        **fields,
    )
    return model


def _name(kind: Any) -> str:
    """``Page[PaymentItem]`` is published as ``PageOfPaymentItem``."""
    parts = (get_origin(kind) or kind, *get_args(kind))
    return "Of".join(part.__name__ for part in parts)


def _first_paragraph(struct: type[msgspec.Struct]) -> str | None:
    if "__doc__" not in vars(struct) or not struct.__doc__:
        return None
    return inspect.cleandoc(struct.__doc__).split("\n\n")[0].replace("``", "`")


def _field(
    field: msgspec.structs.FieldInfo, instead: tuple[type[Any], Any] | None, *, is_body: bool
) -> Any:
    taken_as = str if field.type is Any else field.type  # an amount, which its command reads
    shape = _published(taken_as, instead)
    element = ElementRegister.ELEMENTS.get(SAME_ELEMENT.get(field.name, field.name))
    about: dict[str, Any] = {"alias": field.encode_name}
    if element is not None and shape in (str, bool, int):
        about["description"] = element.title + _otherwise(field)
    if field.name in EXAMPLES:
        about["examples"] = [EXAMPLES[field.name]]
    if is_body and element is not None and shape is str:
        about["max_length"] = element.max_length
    if field.default is msgspec.UNSET or (is_body and not field.required):
        return shape, may_be_missing(**about)
    return shape, Field(**about)


def _otherwise(field: msgspec.structs.FieldInfo) -> str:
    """What a field of a body is where it is left out, if that is anything."""
    if field.required or field.default in ("", None, msgspec.UNSET):
        return ""
    return f"; {msgspec.json.encode(field.default).decode()} where it is left out"

"""Under what money waits to be claimed: the keys of the register 待清算."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from payments.messages.vt_codes import CLAIM

KEYS_KNOWN_MAX = 10_000  # what is paid on a day comes to few of them, again and again
SUP_DEP_DIGITS = 3  # 一级预算单位: the first three digits of the agency code


class UnclearedKey(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What claims on the central bank are summed over; ``paid_year`` is the year before, where that
    has paid what came back, else 0; ``pay_app_no`` the payment, where it is claimed singly."""

    pay_bank_code: str
    effective_on: date
    vt_code: str
    fund_type_code: str
    sup_dep_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    paid_year: int = 0
    pay_app_no: str = ""

    @property
    def text(self) -> str:
        """As the register keeps it: a JSON array, which ends before what is 0 and ""."""
        fields = msgspec.structs.astuple(self)
        if not self.pay_app_no:
            fields = fields[:-1] if self.paid_year else fields[:-2]
        return _encode(fields).decode()

    @classmethod
    def parsed(cls, text: str) -> "UnclearedKey":
        return _parsed(text)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(UnclearedKey).decode


@lru_cache(KEYS_KNOWN_MAX)
def _parsed(text: str) -> UnclearedKey:
    return _decode(text)


class Dimensions(Protocol):
    """What a claim looks at in an indicator, or in a payment made from one."""

    @property
    def agency_code(self) -> str: ...
    @property
    def exp_func_code(self) -> str: ...
    @property
    def gov_bgt_eco_code(self) -> str: ...
    @property
    def fund_type_code(self) -> str: ...


class Claimable:
    """The same of elements by their names."""

    def __init__(self, codes: Mapping[str, str]) -> None:
        self.agency_code = codes["agency_code"]
        self.exp_func_code = codes["exp_func_code"]
        self.gov_bgt_eco_code = codes["gov_bgt_eco_code"]
        self.fund_type_code = codes["fund_type_code"]


def uncleared_key(bank: str, day: date, vt_code: str, of: Dimensions, *, paid_year: int = 0) -> str:
    """Where money that a bank has moved on ``day`` waits to be claimed: an :class:`UnclearedKey`
    as text; ``paid_year`` where the year before has paid it."""
    return _key_text(
        bank,
        day,
        vt_code,
        of.fund_type_code,
        of.agency_code[:SUP_DEP_DIGITS],
        of.exp_func_code,
        of.gov_bgt_eco_code,
        paid_year,
    )


def single_key(bank: str, day: date, of: Dimensions, pay_app_no: str) -> str:
    """Likewise, of a payment that is claimed singly; :func:`uncleared_key` where that is ""."""
    if not pay_app_no:
        return uncleared_key(bank, day, CLAIM, of)
    codes = of.agency_code[:SUP_DEP_DIGITS], of.exp_func_code, of.gov_bgt_eco_code
    return UnclearedKey(bank, day, CLAIM, of.fund_type_code, *codes, pay_app_no=pay_app_no).text


@lru_cache(KEYS_KNOWN_MAX)
def _key_text(*of: Any) -> str:
    return UnclearedKey(*of).text

"""Bodies are checked in one pass; what that lets pass, the careful check lets pass too."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.http.bodies import Body
from api.http.soundness import _check_text, _looks_sound, _texts
from budget.issuing import IssueIndicator
from ledger.deciding.command import Command
from ledger.deciding.fingerprints import asked_for
from ledger.errors import Code, RequestError
from payments.application import ApplyPayment, ApprovePayment
from payments.events import PaymentDetail
from payments.refunds.requests import RefundPayment

PAYMENT = {
    "pay_app_no": "P-1",
    "bgt_id": "B-1",
    "pay_amt": "1.00",
    "use_des": "办公用品",
    "payee_acct_name": "甲",
    "payee_acct_no": "6222000000000000001",
    "payee_acct_bank_name": "样例银行",
}
STRUCTS = (ApplyPayment, IssueIndicator, PaymentDetail, RefundPayment)

text = st.one_of(
    st.text(st.sampled_from("甲aZ09-./ \t\n\x00\x1f\x85\u2028𠮷é²"), max_size=6),
    st.sampled_from(["", "1", ".", "..", "101001", "2010102", "a" * 64, "a" * 65, "甲" * 301]),
    st.text(max_size=8),
)


def asked(command: Command) -> bytes:
    return asked_for(command.OPERATION, command.body)


def careful(part: msgspec.Struct) -> bool:
    try:
        for name, optional in _texts(type(part)):
            _check_text(name, getattr(part, name), optional, "")
    except RequestError:
        return False
    return True


def of_texts(struct: type[Any], values: list[str]) -> msgspec.Struct:
    texts = [name for name, _ in _texts(struct)]
    others = {f.name: None for f in msgspec.structs.fields(struct) if f.required}
    given_texts = dict(zip(texts, values, strict=False))
    part: msgspec.Struct = struct(**{**others, **given_texts})
    return part


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
@given(data=st.data())
def test_the_quick_check_and_the_careful_one_agree(struct: type[Any], data: st.DataObject) -> None:
    count = len(_texts(struct))
    part = of_texts(struct, data.draw(st.lists(text, min_size=count, max_size=count)))
    assert _looks_sound(part) == careful(part)


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
@given(wrong=text, place=st.integers(0, 20))
@example(wrong=" ", place=0)
@example(wrong="𠮷", place=3)
def test_one_wrong_text_among_sound_ones_is_seen(struct: type[Any], wrong: str, place: int) -> None:
    names = [name for name, _ in _texts(struct)]
    values = ["101" for _ in names]
    values[place % len(names)] = wrong
    part = of_texts(struct, values)
    assert _looks_sound(part) == careful(part)


def read(command: type[Command], body: bytes, *path: str, **given_path: str) -> Command:
    return Body(command, *path).read(body, **given_path)


def test_a_body_is_the_command_itself() -> None:
    command = read(ApplyPayment, msgspec.json.encode(PAYMENT))
    assert isinstance(command, ApplyPayment)
    assert command.number == "P-1"
    by_hand = ApplyPayment(**PAYMENT)
    # what a number is kept with for ever is what the command asks for
    assert asked(command) == asked(by_hand)
    details = [{**PAYMENT, "pay_detail_id": "1"}]
    for name in ("pay_app_no", "bgt_id", "use_des"):
        del details[0][name]
    detailed = read(ApplyPayment, msgspec.json.encode({**PAYMENT, "details": details}))
    assert asked(detailed) == asked(ApplyPayment(**PAYMENT, details=(PaymentDetail(**details[0]),)))


def test_fields_of_the_address_are_not_of_the_body() -> None:
    command = read(ApprovePayment, b"", "pay_app_no", pay_app_no="P-1")
    assert command == ApprovePayment(pay_app_no="P-1")
    with pytest.raises(RequestError) as refused:
        read(ApprovePayment, b'{"pay_app_no":"P-2"}', "pay_app_no", pay_app_no="P-1")
    assert refused.value.extra["pointer"] == "/pay_app_no"


@pytest.mark.parametrize(
    "twice",
    [
        b'"pay_amt":"1.00"',
        b'"pay_amt" \n:\t"2.00"',
        b'"pay_\\u0061mt":"2.00"',
    ],
)
def test_a_key_that_stands_twice_is_refused_however_it_is_written(twice: bytes) -> None:
    body = msgspec.json.encode(PAYMENT)[:-1] + b"," + twice + b"}"
    with pytest.raises(RequestError, match="twice") as refused:
        read(ApplyPayment, body)
    assert refused.value.code is Code.MALFORMED


def test_text_that_looks_like_a_key_is_only_text() -> None:
    use = 'said "pay_amt": twice, "pay_amt": twice'
    command = read(ApplyPayment, msgspec.json.encode({**PAYMENT, "use_des": use}))
    assert isinstance(command, ApplyPayment)
    assert command.use_des == use

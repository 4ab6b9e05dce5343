"""Money: yuan text in and out, fen inside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import RequestError
from ledger.money import parse_yuan, yuan


@pytest.mark.parametrize(
    ("text", "fen"),
    [("0.01", 1), ("1234.56", 123_456), ("9999999999999999.99", 999_999_999_999_999_999)],
)
def test_yuan_text_is_fen(text: str, fen: int) -> None:
    assert parse_yuan(text) == fen
    assert yuan(fen) == text


@pytest.mark.parametrize(
    "text",
    [
        0.1 + 0.2,
        1,
        None,
        True,
        "",
        "1",
        "1.0",
        "1.000",
        "0.30000000000000004",
        "1e3",
        "1E3",
        "+1.00",
        " 1.00",
        "1.00 ",
        "1.00\n",
        "01.00",
        ".50",
        "1,000.00",
        "１.00",
        "NaN",
        "Infinity",
        "12345678901234567.00",
        "-1.00",
        "0.00",
        "-0.00",
    ],
)
def test_everything_else_is_no_amount(text: object) -> None:
    with pytest.raises(RequestError) as error:
        parse_yuan(text, pointer="/pay_amt")
    assert error.value.code.text == "invalid_amount"
    assert error.value.extra["pointer"] == "/pay_amt"


def test_signs_and_zero_only_where_they_mean_something() -> None:
    assert parse_yuan("-1.00", signed=True) == -100
    assert parse_yuan("0.00", zero=True) == 0
    for text in ("-0.00", "0.00"):
        with pytest.raises(RequestError):
            parse_yuan(text, signed=True)
    with pytest.raises(RequestError):
        parse_yuan("-0.00", signed=True, zero=True)
    assert parse_yuan("-0.01", signed=True) == -1


NO_AMOUNT = (
    'an amount is text in yuan with two decimals and at most 16 integer digits, such as "1234.56"'
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.5", NO_AMOUNT),
        ("0.00", "the amount is zero"),
        ("-1.00", "the amount is negative"),
    ],
)
def test_a_caller_is_told_what_is_wrong_with_an_amount(text: str, reason: str) -> None:
    with pytest.raises(RequestError) as error:
        parse_yuan(text)
    assert error.value.detail == reason


@given(st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1))
def test_out_and_in_again(fen: int) -> None:
    assert parse_yuan(yuan(fen), signed=True, zero=True) == fen

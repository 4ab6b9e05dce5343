"""Amounts of the client: yuan as text or Decimal, to the fen."""

from decimal import Decimal, localcontext

import msgspec
import pytest

from guoku_client import AmountError, NewDetail, NewPayment, NewRefund, yuan


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("1234.56", "1234.56"),
        ("-0.01", "-0.01"),
        ("0.00", "0.00"),
        (Decimal("5"), "5.00"),
        (Decimal("1.5"), "1.50"),
        (Decimal("-0.00"), "0.00"),
        (Decimal("1E+2"), "100.00"),
        (Decimal("2.500"), "2.50"),
        ("9999999999999999.99", "9999999999999999.99"),
    ],
)
def test_an_amount_is_written_with_two_decimals(given: Decimal | str, sent: str) -> None:
    assert str(yuan(given)) == sent


@pytest.mark.parametrize(
    "wrong",
    [
        *(0.1, 100, 100.0, True, None),
        *("1234.5", "1,234.56", "1e2", " 1.00", "01.00", "１.00", "", "NaN"),
        *(Decimal("0.001"), Decimal("NaN"), Decimal("Infinity"), Decimal(10) ** 16),
        "10000000000000000.00",
    ],
)
def test_what_is_no_amount_is_refused_before_anything_is_sent(wrong: object) -> None:
    """Of 100 nobody sees whether it is yuan or fen, and 0.1 is no amount at all."""
    with pytest.raises(AmountError, match="refund_amt"):
        NewRefund(refund_no="R1", refund_amt=wrong, reason="重复")  # type: ignore[arg-type]


def test_a_context_of_the_callers_rounds_no_amount() -> None:
    with localcontext() as context:
        context.prec = 3
        assert str(yuan(Decimal("1234567.89"))) == "1234567.89"


def test_an_amount_is_sent_as_text() -> None:
    line = NewDetail(
        pay_detail_id="1",
        payee_acct_name="张三",
        payee_acct_no="6222000000000000001",
        payee_acct_bank_name="样例银行",
        pay_amt=Decimal(7),
    )
    asked = NewPayment(pay_app_no="P1", bgt_id="B1", pay_amt="7.00", use_des="x", details=(line,))
    body = msgspec.json.decode(msgspec.json.encode(asked))
    assert (body["pay_amt"], body["details"][0]["pay_amt"]) == ("7.00", "7.00")
    assert set(body) == {"pay_app_no", "bgt_id", "pay_amt", "use_des", "details"}

"""A cell that is the number of somebody or something is one, whichever file it stands in."""

import pytest

from ledger.errors import RequestError
from ledger.files.checking import check_text


@pytest.mark.parametrize("name", ["pay_detail_id", "payee_bank_no", "iden_no"])
@pytest.mark.parametrize("text", ["nan", "NULL", "１２３４５", "12Ａ4"])
def test_a_number_is_one_in_every_file(name: str, text: str) -> None:
    """Disbursements refused these; lists of wages and subsidies, and drafts, took them."""
    with pytest.raises(RequestError, match=name):
        check_text(name, text)


def test_what_is_no_number_may_say_so() -> None:
    check_text("remark", "nan １２３４５")
    check_text("pay_detail_id", "D-nan-1")

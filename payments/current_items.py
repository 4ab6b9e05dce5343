"""往来事项: what a payment settles or advances in its unit's books, where it is no expense of its
own. A payment that says none is booked by its economy alone."""

from ledger.books import Books
from ledger.errors import Code, Refusal
from payments.events import VoucherReceipted

ELEMENT = "current_item_code"

INCOME_TAX, INSURANCE, HOUSING_FUND, PREPAYMENT = "1", "2", "3", "4"
_TITLES = {
    INCOME_TAX: "代扣个人所得税",
    INSURANCE: "代扣社会保险费",
    HOUSING_FUND: "代扣住房公积金",
    PREPAYMENT: "预付款项",
}
WAGES = "301"  # 工资福利支出
# what is bought and may be paid before it is there
_BOUGHT = ("302", "309", "310")


def require_item(
    books: Books, current_item_code: str, dep_bgt_eco_code: str, *, pointer: str
) -> None:
    """That a payment of this economy may be of such an item.

    Raises:
        Refusal: ``element_invalid`` where the ledger's chart tells nothing by it,
            ``element_mismatch`` where it is of another economy.
    """
    if ELEMENT not in books.elements_of(VoucherReceipted.TYPE):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"chart {books.version} of this ledger books nothing by 往来事项",
            pointer=pointer,
        )
    fits = _BOUGHT if current_item_code == PREPAYMENT else (WAGES,)
    if not dep_bgt_eco_code.startswith(fits):
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            f"{_TITLES[current_item_code]} is of 部门支出经济分类 {', '.join(fits)}, not of "
            f"{dep_bgt_eco_code}",
            pointer=pointer,
        )

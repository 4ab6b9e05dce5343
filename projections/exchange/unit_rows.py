"""单位资金支付: payments from units' own accounts, in tables of their own where such are exchanged.

Their rows have the columns of those paid by the treasury, with which they lie in Parquet: one
payment is one kind of thing here (decision 0081). Only the XML and what is sent upward tell the two
apart, as the exchange tables do.
"""

from budget.special_funds import is_of_unit
from projections.exchange.rows import ExportedPayment, ExportedPaymentDetail, ExportedVoucher


class ExportedUnitPayment(ExportedPayment):
    """Payments from units' own accounts 单位资金支付申请; in Parquet they are among `payments`."""

    ELEMENT = "INC_APPLY"


class ExportedUnitVoucher(ExportedVoucher):
    """Vouchers 单位资金支付凭证, one for each of these that was approved."""

    ELEMENT = "INC_CERT"


class ExportedUnitPaymentDetail(ExportedPaymentDetail):
    """Lines to payees 单位资金支付明细; in Parquet they are among `payment_details`."""

    ELEMENT = "INC_DETAIL"


def payment_of(fund_type_code: str) -> type[ExportedPayment]:
    """What a payment of this fund is exported as."""
    return ExportedUnitPayment if is_of_unit(fund_type_code) else ExportedPayment


def voucher_of(fund_type_code: str) -> type[ExportedVoucher]:
    """What its voucher is."""
    return ExportedUnitVoucher if is_of_unit(fund_type_code) else ExportedVoucher


def detail_of(fund_type_code: str) -> type[ExportedPaymentDetail]:
    """What its lines are."""
    return ExportedUnitPaymentDetail if is_of_unit(fund_type_code) else ExportedPaymentDetail

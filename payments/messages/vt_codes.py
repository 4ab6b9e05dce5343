"""业务凭证类型代码 VtCode: what the interface standard calls the messages that are known here.

The numbers stand here only; what each message is, ``message_types`` says.
"""

from typing import Final, Literal

ClaimCode = Literal["2301", "2302"]
NoticeCode = Literal["2203", "2252"]
VoucherCode = Literal["5214", "5212"]

PAYMENT_VOUCHER: Final = "5214"  # 国库集中支付凭证
SPECIAL_VOUCHER: Final = "5212"  # 财政专户资金拨款凭证: the same form, paid from a special account
VOUCHER_CODES: Final = (PAYMENT_VOUCHER, SPECIAL_VOUCHER)
REFUND_REQUEST: Final = "5203"  # 退款申请: ours, the standard has none
RECALL_REQUEST: Final = "5204"  # 撤销申请: likewise
REFUND_NOTICE: Final = "2203"  # 退款通知书: money has come back to the agent bank
RETURN_NOTICE: Final = "2252"  # 收款银行退款通知: the payee's bank has returned a line
CLAIM: Final = "2301"  # 申请划款凭证: of what the agent bank has paid
REFUND_CLAIM: Final = "2302"  # 申请退款凭证: of what has come back
ORDER: Final = "5207"  # 实拨拨款凭证: what the central bank is ordered to pay
ORDER_RETURN: Final = "3208"  # 实拨退款通知书: what came back of it
INCOME_REFUND: Final = "5209"  # 收入退付: what the central bank is ordered to pay back of income
INCOME_REFUND_RETURN: Final = "3210"  # 退付退款通知书: what came back of it
INCOME_CORRECTION: Final = "5407"  # 更正通知书: of what code, level and fund income is
VOUCHER_ADJUSTMENT: Final = "5253"  # 直接支付调整凭证: of what subjects a voucher's payment is
QUOTA_ADJUSTMENT: Final = "5351"  # 额度调整书: under what function it was claimed
INCOME_REPORT: Final = "3401"  # 收入日报表: what came to a treasury account on a day
BALANCE_REPORT: Final = "3402"  # 库存日报表: what a treasury account had at a day's end
ARRIVAL: Final = "3403"  # 资金到账通知: what another treasury has sent is there
VOUCHER_CHECK: Final = "3501"  # 凭证对账, of the central bank: what it carried out on a day
BANK_CHECK: Final = "3502"  # 凭证对账, of an agent bank: likewise
CLAIMS_CHECK: Final = "3507"  # 清算信息对账: claims that it has settled in a period
ORDERS_CHECK: Final = "3508"  # 实拨对账: orders that it has paid in a period
INCOME_ORDERS_CHECK: Final = "3509"  # 收入退付对账: income that it has paid back in a period


def voucher_code(pay_acct_no: str) -> VoucherCode:
    """The VtCode of a payment's voucher; the account is the special one that pays, or ""."""
    return SPECIAL_VOUCHER if pay_acct_no else PAYMENT_VOUCHER

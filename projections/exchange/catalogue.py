"""Every subject of an export, in the order of the documents."""

from projections.exchange.registers import (
    AccountBalanceRow,
    AccountRow,
    AgencyRow,
    ElementRow,
    ExecutionRow,
    LedgerRow,
    ProjectRow,
)
from projections.exchange.rows import (
    AdjustmentRow,
    ClearingRow,
    EventRow,
    IndicatorRow,
    JournalRow,
    PaymentDetailRow,
    PaymentRow,
    PlanRow,
    ReceiptRow,
    RefundRow,
    RefusalRow,
    RevenueRow,
    VoucherRow,
    VoucherSignatureRow,
)
from projections.exchange.subject import Subject

SUBJECTS: tuple[type[Subject], ...] = (
    EventRow,
    IndicatorRow,
    AdjustmentRow,
    PlanRow,
    PaymentRow,
    VoucherRow,
    PaymentDetailRow,
    VoucherSignatureRow,
    ReceiptRow,
    RefundRow,
    ClearingRow,
    JournalRow,
    RefusalRow,
    RevenueRow,
    LedgerRow,
    AgencyRow,
    ElementRow,
    AccountRow,
    ProjectRow,
    ExecutionRow,
    AccountBalanceRow,
)

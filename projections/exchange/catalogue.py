"""Every subject of an export, in the order of the documents."""

from projections.exchange.registers import (
    ExportedAccount,
    ExportedAccountBalance,
    ExportedAgency,
    ExportedElement,
    ExportedExecution,
    ExportedLedger,
    ExportedProject,
)
from projections.exchange.rows import (
    ExportedAdjustment,
    ExportedClearing,
    ExportedCorrection,
    ExportedEvent,
    ExportedIndicator,
    ExportedJournal,
    ExportedPayment,
    ExportedPaymentDetail,
    ExportedPlan,
    ExportedReceipt,
    ExportedRefund,
    ExportedRefusal,
    ExportedRevenue,
    ExportedVoucher,
    ExportedVoucherSignature,
)
from projections.exchange.subject import Subject

SUBJECTS: tuple[type[Subject], ...] = (
    ExportedEvent,
    ExportedIndicator,
    ExportedAdjustment,
    ExportedPlan,
    ExportedPayment,
    ExportedVoucher,
    ExportedPaymentDetail,
    ExportedVoucherSignature,
    ExportedReceipt,
    ExportedRefund,
    ExportedCorrection,
    ExportedClearing,
    ExportedJournal,
    ExportedRefusal,
    ExportedRevenue,
    ExportedLedger,
    ExportedAgency,
    ExportedElement,
    ExportedAccount,
    ExportedProject,
    ExportedExecution,
    ExportedAccountBalance,
)

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
from projections.exchange.unit_rows import (
    ExportedUnitPayment,
    ExportedUnitPaymentDetail,
    ExportedUnitVoucher,
)
from projections.exchange.year_rows import (
    ExportedAllocation,
    ExportedBalance,
    ExportedBudgetRow,
    ExportedCarryOver,
    ExportedTransferBudget,
)

SUBJECTS: tuple[type[Subject], ...] = (
    ExportedEvent,
    ExportedIndicator,
    ExportedAdjustment,
    ExportedPlan,
    ExportedBudgetRow,
    ExportedTransferBudget,
    ExportedPayment,
    ExportedVoucher,
    ExportedPaymentDetail,
    ExportedUnitPayment,
    ExportedUnitVoucher,
    ExportedUnitPaymentDetail,
    ExportedVoucherSignature,
    ExportedReceipt,
    ExportedRefund,
    ExportedCorrection,
    ExportedClearing,
    ExportedAllocation,
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
    ExportedCarryOver,
    ExportedBalance,
)

"""Words of the contract that are one of few: what a caller may send, and what he may meet."""

from enum import StrEnum
from typing import Annotated

from api.http.models.shown import shown_as
from division.roles import ROLES
from ledger.errors import Code

ProblemCode = StrEnum("ProblemCode", {code.name: code.text for code in Code})  # type: ignore[misc]


class Tag(StrEnum):
    """What the operations are about."""

    SESSIONS = "sessions"
    LEDGERS = "ledgers"
    DOCUMENTS = "documents"
    DIVISIONS = "divisions"
    PROJECTS = "projects"
    BUDGET = "budget"
    INDICATORS = "indicators"
    TRANSFERS = "transfers"
    COLLECTION = "collection"
    PAYMENTS = "payments"
    DISBURSEMENTS = "disbursements"
    BANK = "bank"
    CLEARINGS = "clearings"
    BOOKS = "books"
    PROVINCE = "province"
    HISTORY = "history"
    PROOFS = "proofs"
    WEBHOOKS = "webhooks"
    OPERATIONS = "operations"


# in the order of the document
TAGS = {
    Tag.SESSIONS: "会话: log in with a token or one's own key, who is logged in, log out",
    Tag.LEDGERS: "账套: open, list, show; who signs; which period is closed",
    Tag.DOCUMENTS: "审批: what awaits other persons; agree, return, list; who must agree to what",
    Tag.DIVISIONS: "基础信息: divisions, persons, rights and tokens, banks, certificates",
    Tag.PROJECTS: "项目库: report, check, store, amend, suspend, end; show, list",
    Tag.BUDGET: "预算: ceilings, drafts, approvals, rows and their adjustments",
    Tag.INDICATORS: "指标: issue, adjust, reallocate, freeze, plan; show, list, trace",
    Tag.TRANSFERS: "转移支付: send to tiers below, accept; show, list, what is in transit",
    Tag.COLLECTION: "数据采集: rows of other divisions come in; how far they are",
    Tag.PAYMENTS: "支付: apply, approve, sign, refund; show, list, trace; voucher and receipt",
    Tag.DISBURSEMENTS: "批量支付: runs of up to a million lines",
    Tag.BANK: "银行: receipts come in; certificates",
    Tag.CLEARINGS: "清算: claims on the central bank",
    Tag.BOOKS: "账簿: journals, trial balance, statements, refusals on record",
    Tag.PROVINCE: "全省: payments, indicators and execution over all divisions one may see",
    Tag.HISTORY: "事件: as they are stored, in order or live",
    Tag.PROOFS: "证据: checkpoints, proofs, keys, evidence",
    Tag.WEBHOOKS: "推送: events brought to an address, how far, again, dead letters",
    Tag.OPERATIONS: "运行: liveness, readiness, figures",
}


class DraftStatus(StrEnum):
    """State of a unit's draft 预算草案状态."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    CHECKED = "checked"
    APPROVED = "approved"
    RETURNED = "returned"


class BudgetRowStatus(StrEnum):
    """Whether a row of the budget was only asked for, or approved 预算行状态."""

    ASKED = "asked"
    APPROVED = "approved"


class PaymentStatus(StrEnum):
    """State of a payment 支付状态."""

    APPLIED = "applied"
    APPROVED = "approved"
    SIGNED = "signed"
    SENT = "sent"
    PAID = "paid"
    PARTIALLY_PAID = "partially_paid"
    FAILED = "failed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    VOIDED = "voided"
    REFUNDED = "refunded"


class ProjectStatus(StrEnum):
    """State of a project 项目状态 on its way into the library, and out of it."""

    REPORTED = "reported"
    RETURNED = "returned"
    DEPT_CHECKED = "dept_checked"
    MOF_CHECKED = "mof_checked"
    IN_LIBRARY = "in_library"
    ENDED = "ended"
    TERMINATED = "terminated"


class CheckingLevel(StrEnum):
    """Who checks a project: its department 部门, or the treasury 财政."""

    DEPT = "dept"
    MOF = "mof"


class HoldReason(StrEnum):
    """Why something waits 待办原因: for persons, for its day, for the bank, or for operators."""

    AWAITING_APPROVAL = "awaiting_approval"
    AWAITING_SIGNATURE = "awaiting_signature"
    AWAITING_AGREEMENT = "awaiting_agreement"
    MONITORED = "monitored"
    INSUFFICIENT_CASH = "insufficient_cash"
    AWAITING_DAY = "awaiting_day"
    AWAITING_RECEIPT = "awaiting_receipt"
    BANK_SILENT = "bank_silent"
    BANK_REFUSED = "bank_refused"
    SENDING_FAILS = "sending_fails"
    GIVEN_UP = "given_up"
    HISTORY_CUT = "history_cut"
    CLOCK_SKEWED = "clock_skewed"


class RefundStatus(StrEnum):
    """State of a refund 退款: asked of the bank once approved, there when the bank's notice is."""

    REQUESTED = "requested"
    APPROVED = "approved"
    RECEIVED = "received"
    REFUSED = "refused"


class RecallStatus(StrEnum):
    """State of a recall 撤销: the bank is asked, has refused, or has sent its receipt."""

    ASKED = "asked"
    REFUSED = "refused"
    ANSWERED = "answered"


class SuspenseStatus(StrEnum):
    """State of a bank's notice in suspense 待处理."""

    WAITING = "waiting"
    BOOKED = "booked"
    NONE_OF_OURS = "none_of_ours"


class ClearingStatus(StrEnum):
    """State of a clearing 清算, and of each claim in it."""

    REQUESTED = "requested"
    CLEARED = "cleared"
    REJECTED = "rejected"


class RunStatus(StrEnum):
    """State of a disbursement run; ``finished`` is executed with an outcome for every line."""

    OPENED = "opened"
    LOADED = "loaded"
    APPROVED = "approved"
    EXECUTING = "executing"
    STOPPED = "stopped"
    EXECUTED = "executed"
    FINISHED = "finished"
    CLOSED = "closed"


class RunWait(StrEnum):
    """What a disbursement run waits for; ``resuming``: the server carries it on by itself."""

    AWAITING_LINES = "awaiting_lines"
    AWAITING_APPROVAL = "awaiting_approval"
    AWAITING_SIGNER = "awaiting_signer"
    STOPPED = "stopped"
    RESUMING = "resuming"
    AWAITING_BANK = "awaiting_bank"
    BANK_REFUSED = "bank_refused"


class LineOutcome(StrEnum):
    """What became of a line of a run: ``pending`` until its voucher is drawn."""

    PENDING = "pending"
    APPLIED = "applied"
    APPROVED = "approved"
    SIGNED = "signed"
    SENT = "sent"
    PAID = "paid"
    PARTIALLY_PAID = "partially_paid"
    FAILED = "failed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    VOIDED = "voided"
    REFUNDED = "refunded"


class BankClaimStatus(StrEnum):
    """State of a bank's claim 划款申请: ``waiting`` for the treasury to agree."""

    WAITING = "waiting"
    AGREED = "agreed"
    RETURNED = "returned"


class Claimant(StrEnum):
    """Who claims from the central bank what banks have paid."""

    TREASURY = "treasury"
    BANKS = "banks"


class DocumentStatus(StrEnum):
    """State of a document 单据: ``submitted`` while it awaits other persons."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"


class PeriodStatus(StrEnum):
    """Whether a month takes entries."""

    OPEN = "open"
    CLOSED = "closed"


class YearStatus(StrEnum):
    """Whether a year takes entries, and whether the next one has what it hands on."""

    OPEN = "open"
    CLOSED = "closed"
    HANDED_OVER = "handed_over"


class ItemStatus(StrEnum):
    """What became of one item of many; ``submitted`` awaits the agreement of other persons."""

    CREATED = "created"
    SUBMITTED = "submitted"
    REPLAYED = "replayed"
    REFUSED = "refused"


class SigningRole(StrEnum):
    """A role that signs vouchers 签章角色."""

    UNIT = "unit"
    FINANCE_FIRST = "finance_first"
    FINANCE_SECOND = "finance_second"
    TREASURY = "treasury"


PersonRole = StrEnum("PersonRole", {role.upper(): role for role in ROLES})  # type: ignore[misc]


class SigningScope(StrEnum):
    """What one signature covers 签章范围."""

    VOUCHER = "voucher"
    MANIFEST = "manifest"


class BatchMode(StrEnum):
    """Each item for itself, or all of them or none."""

    INDEPENDENT = "independent"
    ATOMIC = "atomic"


class Book(StrEnum):
    """One of the six books 账簿."""

    INDICATOR = "indicator"
    TREASURY_FINANCIAL = "treasury_financial"
    TREASURY_BUDGETARY = "treasury_budgetary"
    UNIT_FINANCIAL = "unit_financial"
    UNIT_BUDGETARY = "unit_budgetary"
    ZERO_BALANCE = "zero_balance"


class CorrectionStatus(StrEnum):
    """State of a correction 更正: it waits for another person's agreement, or is booked."""

    SUBMITTED = "submitted"
    CORRECTED = "corrected"


class TellingStatus(StrEnum):
    """State of a message about a correction 支付调整: it waits for its answer, its receiver has
    adjusted its books, or has declined to; ``settled`` where that was told again or taken back."""

    TOLD = "told"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    SETTLED = "settled"


class ContractStatus(StrEnum):
    """State of a contract 合同."""

    IN_FORCE = "in_force"
    ENDED = "ended"


class ReconciliationStatus(StrEnum):
    """State of a reconciliation 对账单: packages missing, all there, compared, confirmed."""

    INCOMPLETE = "incomplete"
    RECEIVED = "received"
    AGREES = "agrees"
    DIFFERS = "differs"
    CONFIRMED = "confirmed"


class DifferenceKind(StrEnum):
    """What does not match 未达账: one side has it not, or has it otherwise."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    OTHER_AMOUNT = "other_amount"
    OTHER_DAY = "other_day"
    DOUBLED = "doubled"


class RuleControl(StrEnum):
    """What a monitoring rule does 控制方式: 拦截, 预警, 冻结."""

    INTERCEPT = "intercept"
    WARN = "warn"
    FREEZE = "freeze"


class HitStatus(StrEnum):
    """What became of a hit 监控命中."""

    HELD = "held"
    RELEASED = "released"
    PASSED = "passed"
    ENDED = "ended"


class KeyCustody(StrEnum):
    """Who holds the key that has signed 密钥保管."""

    SERVER = "server"
    OWN = "own"


class PaymentSort(StrEnum):
    """Order of a list of payments; with ``-`` from the last to the first."""

    EFFECTIVE_ON = "effective_on"
    EFFECTIVE_ON_DOWN = "-effective_on"
    PAY_AMT = "pay_amt"
    PAY_AMT_DOWN = "-pay_amt"
    PAY_APP_NO = "pay_app_no"
    PAY_APP_NO_DOWN = "-pay_app_no"


# In the answers' structs these are the text that the books hold; published they are enums.
PaymentState = Annotated[str, shown_as(PaymentStatus)]
ProjectState = Annotated[str, shown_as(ProjectStatus)]
LevelCode = Annotated[str, shown_as(CheckingLevel)]
HoldCode = Annotated[str, shown_as(HoldReason)]
RefundState = Annotated[str, shown_as(RefundStatus)]
ContractState = Annotated[str, shown_as(ContractStatus)]
CorrectionState = Annotated[str, shown_as(CorrectionStatus)]
TellingState = Annotated[str, shown_as(TellingStatus)]
RecallState = Annotated[str, shown_as(RecallStatus)]
ReconciliationState = Annotated[str, shown_as(ReconciliationStatus)]
DifferenceCode = Annotated[str, shown_as(DifferenceKind)]
SuspenseState = Annotated[str, shown_as(SuspenseStatus)]
ClearingState = Annotated[str, shown_as(ClearingStatus)]
BankClaimState = Annotated[str, shown_as(BankClaimStatus)]
ClaimingParty = Annotated[str, shown_as(Claimant)]
PeriodState = Annotated[str, shown_as(PeriodStatus)]
YearState = Annotated[str, shown_as(YearStatus)]
DocumentState = Annotated[str, shown_as(DocumentStatus)]
RunState = Annotated[str, shown_as(RunStatus)]
RunWaitCode = Annotated[str, shown_as(RunWait)]
OutcomeOfLine = Annotated[str, shown_as(LineOutcome)]
ItemState = Annotated[str, shown_as(ItemStatus)]
Signatory = Annotated[str, shown_as(SigningRole)]
Custody = Annotated[str, shown_as(KeyCustody)]
Scope = Annotated[str, shown_as(SigningScope)]
BookName = Annotated[str, shown_as(Book)]
CodeText = Annotated[str, shown_as(ProblemCode)]

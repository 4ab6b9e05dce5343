"""Every domain of the program, from its sealing to its payments.

A domain enters its event types, commands, settings and registers when its modules are loaded. Most
processes load what they use; one that judges whole histories has to know all there is.
"""

import accounting.balances
import accounting.bond_issuing
import accounting.carrying_books
import accounting.closing_books
import accounting.income
import accounting.income_corrections
import accounting.income_receiving
import accounting.income_refunds
import accounting.intake.balance
import accounting.intake.comparison_check
import accounting.intake.income
import accounting.intake.income_orders
import accounting.intake.reconciliations
import accounting.intake.signed_reports
import accounting.openings
import accounting.reconciliation.confirming
import accounting.reconciliation.policy
import accounting.reconciliation.receiving
import accounting.special_income
import accounting.vouchers
import budget.adjusting.adjusting
import budget.advancing
import budget.budgeted_years
import budget.debts
import budget.distributing
import budget.indicators
import budget.issuing
import budget.plan_policy
import budget.preparation.approving
import budget.preparation.ceilings
import budget.preparation.checking
import budget.preparation.entering
import budget.preparation.replying
import budget.projects.amending
import budget.projects.checking
import budget.projects.ending
import budget.projects.reporting
import budget.staging
import budget.year_end.carrying
import budget.year_end.closing
import budget.year_end.policy
import budget.year_end.receiving
import budget.year_end.taking_debts
import budget.year_end.writing_off
import division.account
import division.adopted
import division.agency
import division.bank
import division.calendar
import division.card
import division.certificate
import division.code_set_load
import division.installation
import division.monitor_rules
import division.opening
import division.payee
import division.performance
import division.persons
import division.staff
import division.standard
import division.tokens
import division.webhook
import ledger.calendar
import ledger.closing
import ledger.closing_documents
import ledger.deciding.approvals
import ledger.deciding.clock
import ledger.deciding.documents
import ledger.deciding.losses
import ledger.deciding.noted
import ledger.deciding.opening
import ledger.sealing.commands
import payments.application
import payments.cards.control
import payments.cards.lines
import payments.clearing.bank_claims
import payments.clearing.cash
import payments.clearing.cash_policy
import payments.clearing.claims
import payments.clearing.clearing_policy
import payments.closing
import payments.contracts.contracting
import payments.contracts.planning
import payments.corrections.correcting
import payments.corrections.telling
import payments.delivery.handing_over
import payments.disbursement.commands
import payments.disbursement.opening
import payments.found_at_bank
import payments.manifest
import payments.orders.advance_policy
import payments.orders.advance_steps
import payments.orders.advances
import payments.orders.allocations
import payments.orders.placements
import payments.orders.reversing
import payments.other_years
import payments.recalls
import payments.refunds.notices
import payments.refunds.prior_returns
import payments.refunds.requests
import payments.refunds.resolving
import payments.releasing
import payments.signature_policy
import payments.subsidies.loading
import payments.unfinished
import payments.verification.bank_claims
import payments.verification.tellings
import payments.voiding
import payments.voucher
import payments.wages.accruing
import payments.wages.loading
import projections.catalogue
import projections.unspent_years
import transfers.answering
import transfers.arriving
import transfers.closing
import transfers.dispatching
import transfers.fund_verification
import transfers.giving_back
import transfers.intake
import transfers.issuing
import transfers.other_end
import transfers.receiving
import transfers.reducing
import transfers.settling
import transfers.taking_messages
import transfers.tier_closing
import transfers.verification

DOMAINS = (
    ledger.deciding.clock,
    ledger.deciding.losses,
    ledger.deciding.noted,
    ledger.deciding.opening,
    ledger.deciding.approvals,
    ledger.deciding.documents,
    ledger.calendar,
    ledger.closing,
    ledger.closing_documents,
    ledger.sealing.commands,
    division.account,
    division.adopted,
    division.agency,
    division.bank,
    division.calendar,
    division.card,
    division.certificate,
    division.code_set_load,
    division.monitor_rules,
    division.opening,
    division.payee,
    division.performance,
    division.persons,
    division.staff,
    division.standard,
    division.tokens,
    division.installation,
    division.webhook,
    budget.projects.reporting,
    budget.projects.checking,
    budget.budgeted_years,
    budget.debts,
    budget.distributing,
    budget.projects.amending,
    budget.projects.ending,
    budget.preparation.ceilings,
    budget.preparation.entering,
    budget.preparation.checking,
    budget.preparation.approving,
    budget.preparation.replying,
    budget.adjusting.adjusting,
    budget.advancing,
    budget.issuing,
    budget.plan_policy,
    budget.staging,
    budget.indicators,
    budget.year_end.policy,
    budget.year_end.carrying,
    budget.year_end.receiving,
    budget.year_end.taking_debts,
    budget.year_end.writing_off,
    budget.year_end.closing,
    payments.application,
    payments.found_at_bank,
    payments.manifest,
    payments.voucher,
    payments.voiding,
    payments.releasing,
    payments.recalls,
    payments.refunds.requests,
    payments.refunds.notices,
    payments.refunds.prior_returns,
    payments.refunds.resolving,
    payments.signature_policy,
    payments.cards.control,
    payments.cards.lines,
    payments.clearing.cash,
    payments.clearing.bank_claims,
    payments.clearing.cash_policy,
    payments.clearing.claims,
    payments.clearing.clearing_policy,
    payments.closing,
    payments.unfinished,
    payments.contracts.planning,
    payments.contracts.contracting,
    payments.corrections.correcting,
    payments.corrections.telling,
    payments.orders.advance_policy,
    payments.orders.advance_steps,
    payments.orders.advances,
    payments.orders.allocations,
    payments.orders.placements,
    payments.orders.reversing,
    payments.delivery.handing_over,
    payments.disbursement.commands,
    payments.disbursement.opening,
    payments.subsidies.loading,
    payments.verification.bank_claims,
    payments.verification.tellings,
    payments.wages.accruing,
    payments.wages.loading,
    payments.other_years,
    transfers.issuing,
    transfers.receiving,
    transfers.answering,
    transfers.reducing,
    transfers.giving_back,
    transfers.other_end,
    transfers.closing,
    transfers.taking_messages,
    transfers.verification,
    transfers.dispatching,
    transfers.arriving,
    transfers.settling,
    transfers.tier_closing,
    transfers.intake,
    transfers.fund_verification,
    accounting.openings,
    accounting.closing_books,
    accounting.carrying_books,
    accounting.income,
    accounting.income_refunds,
    accounting.income_corrections,
    accounting.vouchers,
    accounting.income_receiving,
    accounting.special_income,
    accounting.bond_issuing,
    accounting.balances,
    accounting.intake.income,
    accounting.intake.income_orders,
    accounting.intake.balance,
    accounting.reconciliation.receiving,
    accounting.reconciliation.confirming,
    accounting.reconciliation.policy,
    accounting.intake.comparison_check,
    accounting.intake.reconciliations,
    accounting.intake.signed_reports,
    projections.catalogue,
    projections.unspent_years,
)

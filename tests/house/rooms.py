"""The rooms of the program in their order: the one list that the import contracts are made of.

A line of a room's list may import what stands above it, never what stands below; what stands on one
line does not import each other.
"""

# "" is the program itself
ORDER: dict[str, tuple[str, ...]] = {
    "": (
        "ledger",
        "division",
        "budget",
        "payments",
        "transfers",
        "accounting",
        "projections",
        "api",
        "bench",
    ),
    "ledger": (
        "data errors",
        "account_set money",
        "events gm postgres",
        "elements integrity",
        "books files",
        "deciding",
        "calendar reading",
        "closing",
        "closing_documents",
        "writing",
        "library sealing",
        "verification",
    ),
    "division": (
        (
            "base_events events installation_events monitor_events performance_events roles"
            " webhook_events"
        ),
        "by_day",
        (
            "adopted agency bank calendar certificate code_set_load installation monitor_rules"
            " opening performance rights"
        ),
        "account card payee persons staff standard",
        "tokens webhook",
        "folded recording shown",
        "certificates code_sets knowledge",
        "installations",
        "agencies learning",
        "payer",
        "adopting appointing credentials imported verification",
        "sessions",
        "own_key_login",
    ),
    "budget": (
        "advance_events debt_events events levels preparation_events row_events",
        "distribution_events transfer_events year_end_events",
        (
            "advances approved balances debt_register plan_policy purchase_control rows"
            " special_funds totals"
        ),
        "debts pending received",
        "indicator projects",
        "beside between bond_money coherence parts planned_projects plans",
        "adjusting budgeted_years indicators issuing preparation",
        "advancing distributing staging year_end",
    ),
    "payments": (
        "events found_events manifest_events messages payees policy_events voucher_number",
        "correction_events list_files order_kinds registered_payees return_events void_events",
        "dispatch_events income_order_events order_events placement_events telling_events",
        "order_answers",
        "approval_days bearing cards contracts monitoring special_accounts",
        "clearing current_items found_at_bank issued manifest payment signature_policy",
        "giving_back orders receipt_lines",
        "application_elements closing",
        "application voucher",
        "corrections refunds releasing voiding",
        "recalls",
        "signing subsidies wages",
        "delivery disbursement other_years receipts",
        "unfinished verification",
        "simulators",
    ),
    "transfers": (
        "message_event tier_events tiers treasury_account",
        "tier_funds",
        "transfer transferred",
        "answering dispatching giving_back issuing receiving reducing taking_messages",
        "arriving",
        "settling",
        "messages words",
        "bringing_funds",
        "fund_messages",
        "link message_intake other_installations",
        (
            "closing delivering exchanging fund_verification intake other_end tier_closing"
            " verification"
        ),
    ),
    "accounting": (
        "balance_events entered_rows income_events statements",
        "special_income_events",
        "closing_events debt_accounts opening_events special_deposits taking voucher_events",
        "book_balances closing_books deposits_left entering income_register income_report",
        "income_booking opened_rows",
        "income_orders",
        (
            "balances bond_issuing income income_corrections income_receiving income_refunds"
            " openings reconciliation special_income vouchers"
        ),
        "carrying_books intake",
        "handing_over_books handing_over_debts verification",
        "handing_over",
    ),
    "projections": (
        "core",
        "documents exchange refusals views",
        "collection",
        "corrections indicator_months journal_numbers prior_returns",
        "payment_tables",
        "claimed",
        "budget_rows indicators journals payments",
        "account_sums catalogue journal_persons",
        "account_slices indicator_past late_entries orders parallel unspent_years",
        "trial_balance",
        "queries",
        (
            "budget_row_lists cash cash_coverage contract_lists correction_lists document_lists"
            " journal_lists monitor_lists prior_return_lists project_lists province reports"
            " statements"
            " tier_funds tracing transfer_lists"
        ),
        "reconciliation_lists",
    ),
    "api": (
        "access domains evidence heaps interpreter schema settings upgrading",
        "key_store machine tls",
        "logging server tokens treasury verification",
        "demo event_text exchange loss sign_agent",
        "webhooks",
        "http",
        "opening",
        "witness",
        "cli",
    ),
    "guoku_client": (
        "hints shown",
        "errors",
        "amounts call retrying sm2",
        "asked batches following paging",
        "division runs signing",
        "agent client ledger",
    ),
}
CLIENT = "guoku_client"  # a package of its own: it imports nothing of the rest, nor the rest of it
FOLDERS = {CLIENT: "client/guoku_client"}  # of rooms that do not lie where their name says

# What decides: told of the world, never asking it. In the budget that is all but who reads for it.
_READING = {"budgeted_years"}
_OF_BUDGET = {f"budget.{name}" for line in ORDER["budget"] for name in line.split()}
_OF_ACCOUNTING = {f"accounting.{name}" for line in ORDER["accounting"] for name in line.split()}
_BESIDE_DECISIONS = {
    f"accounting.{name}"
    for name in (
        *("book_balances", "deposits_left", "handing_over", "handing_over_books"),
        *("handing_over_debts", "intake", "verification"),
    )
}
DECIDING = (
    "ledger.money",
    "ledger.account_set",
    "ledger.events",
    "ledger.books",
    "ledger.deciding",
    "ledger.calendar",
    "ledger.closing",
    "ledger.closing_documents",
    "ledger.sealing.commands",
    "division.adopted",
    "division.agencies",
    "division.agency",
    "division.base_events",
    "division.by_day",
    "division.bank",
    "division.staff",
    "division.standard",
    "division.payee",
    "division.payer",
    "division.calendar",
    "division.monitor_events",
    "division.monitor_rules",
    "division.performance",
    "division.performance_events",
    "division.account",
    "division.card",
    "division.certificate",
    "division.code_set_load",
    "division.knowledge",
    "division.events",
    "division.rights",
    "division.opening",
    "division.persons",
    "division.tokens",
    "division.installation",
    "division.installation_events",
    "division.webhook",
    "division.webhook_events",
    *sorted(_OF_BUDGET - {f"budget.{name}" for name in _READING}),
    "payments.events",
    "payments.manifest_events",
    "payments.void_events",
    "payments.payment",
    "payments.application",
    "payments.application_elements",
    "payments.receipt_lines",
    "payments.special_accounts",
    "payments.releasing",
    "payments.giving_back",
    "payments.policy_events",
    "payments.manifest",
    "payments.voucher",
    "payments.refunds",
    "payments.voiding",
    "payments.recalls",
    "payments.approval_days",
    "payments.signature_policy",
    "payments.voucher_number",
    "payments.found_at_bank",
    "payments.clearing",
    "payments.contracts",
    "payments.cards",
    "payments.dispatch_events",
    "payments.income_order_events",
    "payments.order_events",
    "payments.order_kinds",
    "payments.orders",
    "payments.monitoring",
    "payments.disbursement.commands",
    "payments.disbursement.opening",
    "transfers.tiers",
    "transfers.transfer",
    "transfers.tier_events",
    "transfers.tier_funds",
    "transfers.treasury_account",
    "transfers.transferred",
    "transfers.dispatching",
    "transfers.arriving",
    "transfers.settling",
    "transfers.issuing",
    "transfers.receiving",
    "transfers.answering",
    "transfers.closing",
    "transfers.tier_closing",
    "transfers.reducing",
    "transfers.giving_back",
    "transfers.message_event",
    "transfers.taking_messages",
    *sorted(_OF_ACCOUNTING - _BESIDE_DECISIONS),
    "payments.current_items",
    "payments.list_files",
    "payments.subsidies",
    "payments.wages",
)
WORLD = ("fastapi", "httpx", "psycopg", "psycopg_pool", "socket", "starlette", "time", "uvicorn")

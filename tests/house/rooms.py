"""The rooms of the program in their order: the one list that the import contracts are made of.

A line of a room's list may import what stands above it, never what stands below; what stands on one
line does not import each other.
"""

# "" is the program itself
ORDER: dict[str, tuple[str, ...]] = {
    "": ("ledger", "division", "budget", "payments", "projections", "api", "bench"),
    "ledger": (
        "data errors",
        "account_set money",
        "events gm postgres",
        "elements integrity",
        "books",
        "deciding",
        "calendar reading",
        "closing",
        "writing",
        "library sealing",
        "verification",
    ),
    "division": (
        "events roles",
        "adopted bank certificate code_set_load opening rights",
        "persons",
        "tokens",
        "folded recording shown",
        "certificates code_sets knowledge",
        "learning",
        "adopting appointing credentials imported verification",
    ),
    "budget": ("events", "balances", "indicator", "coherence", "indicators"),
    "payments": (
        "events messages submitting voucher_number",
        "clearing found_at_bank issued manifest payment signature_policy",
        "application closing",
        "voucher",
        "refunds",
        "signing",
        "delivery disbursement receipts",
        "verification",
        "simulators",
    ),
    "projections": (
        "core posted",
        "documents exchange refusals views",
        "indicators journals payments",
        "account_sums catalogue",
        "indicator_past late_entries parallel",
        "trial_balance",
        "queries",
        "document_lists tracing",
    ),
    "api": (
        "access domains evidence heaps interpreter schema settings upgrading",
        "machine tls",
        "logging server tokens treasury verification",
        "demo http loss",
        "opening",
        "witness",
        "cli",
    ),
}

# What decides: told of the world, never asking it.
DECIDING = (
    "ledger.money",
    "ledger.account_set",
    "ledger.events",
    "ledger.books",
    "ledger.deciding",
    "ledger.calendar",
    "ledger.closing",
    "ledger.sealing.commands",
    "division.adopted",
    "division.bank",
    "division.certificate",
    "division.code_set_load",
    "division.knowledge",
    "division.events",
    "division.rights",
    "division.opening",
    "division.persons",
    "division.tokens",
    "budget",
    "payments.events",
    "payments.payment",
    "payments.application",
    "payments.manifest",
    "payments.voucher",
    "payments.refunds",
    "payments.signature_policy",
    "payments.voucher_number",
    "payments.found_at_bank",
    "payments.clearing",
    "payments.disbursement.commands",
)
WORLD = ("fastapi", "httpx", "psycopg", "psycopg_pool", "socket", "starlette", "time", "uvicorn")

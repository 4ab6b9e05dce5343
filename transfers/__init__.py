"""转移支付 between the ledgers of an installation."""

"""核验支付: what a history must show of payments: persons, signatures, outcomes, numbers."""

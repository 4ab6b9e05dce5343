"""基础信息: what outlives a year, on record in the standing ledgers of the divisions."""

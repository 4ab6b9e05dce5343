"""基础信息: what outlives a year."""

"""Receipts 回单: a bank's message taken in, from its bytes to outcomes in the books."""

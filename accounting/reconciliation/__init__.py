"""对账: what banks say they have moved, one to one against what the books have of it.

A bank's signed packages are kept; when the last of a reconciliation is there its lines are held
against the events, and what does not match is listed at either side. A person who does not pay
confirms it; without that no month is closed where the ledger's policy asks for it.
"""

"""核验: checks over a whole history, one class a check, fed from one stream of its events.

A check takes the events in order, in chunks of columns; it keeps no event, and says what it found
to the :class:`~ledger.verification.findings.Findings` it was given. Whoever runs several
checks reads the history once.
"""

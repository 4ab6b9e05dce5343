"""项目库: what money may be budgeted for, on record in the standing ledger of a division.

A unit reports a project with its years and goals, its department and the treasury check it, and
what is stored may be budgeted for. What is changed then is a new version from a day on.
"""

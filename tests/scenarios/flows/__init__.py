"""Flows of the treasury 业务流程, a file each, as an official would go through them.

Each has ``FLOWS``, their numbers in the catalogue (docs/scenarios.md), and ``scenario``, which gets
a county without anything.
"""

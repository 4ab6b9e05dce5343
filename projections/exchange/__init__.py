"""Exchange 导出导入: a ledger as a directory of files, and such a directory as a ledger again.

The plain part is fixed in ``docs/history-format.md``: it is what a verifier reads. Beside it stand
Parquet and XML for people's tools (``docs/export.md``).
"""

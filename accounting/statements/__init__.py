"""报表 as data: the files of tables, held against the charts, and how a table is worked out.

Pure: what the accounts of a moment hold is asked of whoever reads it
(``evaluation.StatementFigures``).
"""

from accounting.statements.evaluation import StatementCells, StatementFigures, Worked, worked_out
from accounting.statements.formulas import AccountTerm
from accounting.statements.tables import Statements, load_statements

__all__ = [
    "AccountTerm",
    "StatementCells",
    "StatementFigures",
    "Statements",
    "Worked",
    "load_statements",
    "worked_out",
]

"""Which types of events do something is asked when all of them are there.

What a module asks while it is loaded, it asks of those that were loaded before it: an import of a
ledger from the command line knew 24 types of the ledger's own stream, and there were 36. So what
they had set was not in the head, and nothing more was committed to the ledger.
"""

import ast
from collections.abc import Iterator

from tests.support.paths import ROOT
from tests.support.sources import source_files, tree_of

ASKING = {"names_that", "types_that"}
WHOLE = {  # of those that they ask for they import all; `views` decodes as a whole what it lacks
    "budget/indicator.py",
    "division/learning.py",
    "projections/collection/sending.py",
    "projections/document_lists.py",
    "projections/indicators.py",
    "projections/journal_numbers.py",  # of periods alone
    "projections/reports/advance_limits.py",
    "projections/reports/debts.py",
    "projections/tracing/indicator.py",
    "projections/views.py",
    "transfers/words.py",
}


def asked_while_loaded(tree: ast.Module) -> Iterator[str]:
    """The registry's questions in a module's own assignments."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            for node in ast.walk(statement):
                called = node.func if isinstance(node, ast.Call) else None
                if isinstance(called, ast.Name) and called.id in ASKING:
                    yield called.id


def test_no_module_asks_for_types_before_they_are_there() -> None:
    asking = {
        str(path.relative_to(ROOT))
        for path in source_files()
        if any(asked_while_loaded(tree_of(path)))
    }
    assert asking == WHOLE

"""代码集: what treasuries loaded, against the version that each load came to.

A version is a digest over all rows that hold after a load, and indicators name it; so a row that
was added to a load, changed or taken out shows in the version of that load and of every later one.
"""

from ledger.elements import stored_code_sets
from ledger.verification.checks import name_check
from ledger.verification.database import ToVerify, join_database
from ledger.verification.findings import Findings

CODES = name_check("codes", "代码集 loaded code sets", "loads", "code_sets", "code_set_loads")


def _check(findings: Findings, asked: ToVerify) -> None:
    for load in stored_code_sets.loads(asked.connection):
        findings.count(CODES, 1)
        version = stored_code_sets.read(asked.connection, up_to_load=load.load_id).version
        if version != load.version:
            detail = (
                f"after load {load.load_id} the code sets are {version}, it says {load.version}"
            )
            findings.add(CODES, 0, f"{detail} 代码集被改")
    row = asked.connection.execute(
        "SELECT count(*) FROM code_sets WHERE load_id NOT IN (SELECT load_id FROM code_set_loads)"
    ).fetchone()
    if row is not None and row[0]:
        findings.add(CODES, 0, f"{row[0]} rows of code sets are of no load 代码无来源")


join_database(CODES, _check)

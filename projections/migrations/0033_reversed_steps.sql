-- What lowers an advance, and what takes that back, has lines of an indicator and of the advance.
CREATE INDEX ON proj_journals (ledger_id, generation, position)
    WHERE event IN ('advance.expensed', 'advance.step_reversed');

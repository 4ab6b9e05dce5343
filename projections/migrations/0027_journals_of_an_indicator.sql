-- Slices of the books read the journals of an indicator.
CREATE INDEX ON proj_journals (ledger_id, generation, bgt_id, position);

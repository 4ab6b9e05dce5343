-- Code sets are events of the standing ledger of all divisions, which gives each load its number.
ALTER TABLE code_set_loads ALTER COLUMN load_id DROP IDENTITY;

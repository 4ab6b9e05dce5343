-- Certificates are events of the standing ledger of all divisions; those that were registered before
-- have no ledger until they are put on its record.
ALTER TABLE certificates ADD COLUMN ledger_id bigint;

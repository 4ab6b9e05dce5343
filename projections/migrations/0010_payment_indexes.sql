-- A payment's row is written for each state it passes through, and every index gets an entry for each
-- of them. Nearly all payments are paid in the end, and nobody pages through those by their state
-- alone: only the others are kept by it. The room that a page left free for updates in place is
-- given up, too: no update can be in place where an index depends on what changes.
DROP INDEX proj_payments_ledger_id_generation_status_effective_on_appl_idx;
CREATE INDEX proj_payments_not_paid ON proj_payments
    (ledger_id, generation, status, effective_on, applied_position) WHERE status <> 'paid';
ALTER TABLE proj_payments SET (fillfactor = 100);

-- What the books have moved on the word of banks: a reading of the events for reconciliations, and
-- no truth of its own. It is read as far as it is asked for (accounting/intake/bank_movements.py),
-- and can be emptied and read again.
CREATE TABLE bank_movements (
    ledger_id      bigint NOT NULL,
    position       bigint NOT NULL,              -- of the event that tells of it
    sender         text COLLATE "C" NOT NULL,
    e_voucher_type text COLLATE "C" NOT NULL,
    number         text COLLATE "C" NOT NULL,
    day            date NOT NULL,
    fen            bigint NOT NULL,
    PRIMARY KEY (ledger_id, position)
);
CREATE INDEX ON bank_movements (ledger_id, sender, e_voucher_type, day);
CREATE INDEX ON bank_movements (ledger_id, sender, e_voucher_type, number);
CREATE TABLE bank_movement_positions (
    ledger_id bigint PRIMARY KEY,
    position  bigint NOT NULL DEFAULT 0
);

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON bank_movements, bank_movement_positions
    TO guoku_app;

-- A register's floors hold on every business day, so each row knows the last day on which it has
-- moved, and this table its closings on the days before that one. They are new or changed only
-- where a row moves on another day than its last. Of what was kept before, the day is NULL until
-- the program has folded the history for it.
ALTER TABLE registers ADD COLUMN day date;

CREATE TABLE register_days (
    ledger_id bigint NOT NULL,
    register  text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    day       date NOT NULL,
    amounts   numeric[] NOT NULL,
    PRIMARY KEY (ledger_id, register, key, day)
) WITH (fillfactor = 90);
GRANT SELECT, INSERT, UPDATE, DELETE ON register_days TO guoku_app;

-- Persons, their rights and tokens are events of the standing ledgers. These tables show what the
-- events are folded to, and are believed only as far as a verification finds them to agree.
CREATE TABLE persons (
    ledger_id       bigint NOT NULL,                 -- of the standing ledger
    principal_key   text COLLATE "C" NOT NULL,       -- the name without regard to case
    principal       text NOT NULL,
    name            text NOT NULL,
    division        text NOT NULL,                   -- prefix of mof_div_code he may act in
    roles           text[] NOT NULL,
    agency_prefixes text[] NOT NULL,                 -- of the units he acts for; none is all
    valid_until     timestamptz,
    has_ended       boolean NOT NULL,
    PRIMARY KEY (ledger_id, principal_key)
);
GRANT SELECT, INSERT, UPDATE ON persons TO guoku_app;

-- Tokens that were made before have no ledger until they are put on its record.
ALTER TABLE tokens
    ADD COLUMN ledger_id       bigint,
    ADD COLUMN principal_key   text COLLATE "C",
    ADD COLUMN agency_prefixes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN valid_until     timestamptz;
CREATE INDEX tokens_of_principal ON tokens (principal_key);

-- A standing ledger (year 0) has no read models and sends nothing; it is sealed like every other.
-- What is sealed for its own sake is all but the system ledgers 1 to 9999.
CREATE OR REPLACE VIEW division_ledgers AS
    SELECT * FROM ledgers WHERE ledger_id >= 10000 AND ledger_id % 10000 <> 0;
CREATE VIEW sealed_ledgers AS SELECT * FROM ledgers WHERE ledger_id >= 10000 OR ledger_id = 0;
GRANT SELECT ON sealed_ledgers TO guoku_app;

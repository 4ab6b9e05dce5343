-- What an indicator's journals come to in a month, by shape: lines without their amount, by the
-- beginning of their digest. Slices of the books add these up.
CREATE TABLE proj_indicator_months (
    ledger_id  bigint NOT NULL,
    generation integer NOT NULL,
    bgt_id     text COLLATE "C" NOT NULL,
    month      integer NOT NULL,
    shape_id   bigint NOT NULL,
    fen        numeric NOT NULL,
    PRIMARY KEY (ledger_id, generation, bgt_id, month, shape_id)
) WITH (fillfactor = 70);
CREATE TABLE proj_journal_shapes (
    ledger_id  bigint NOT NULL,
    generation integer NOT NULL,
    shape_id   bigint NOT NULL,
    shape      text COLLATE "C" NOT NULL,
    PRIMARY KEY (ledger_id, generation, shape_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON proj_indicator_months, proj_journal_shapes TO guoku_app;
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        GRANT MAINTAIN ON proj_indicator_months, proj_journal_shapes TO guoku_app;
    END IF;
END $$;

-- A slice goes from its indicators to their journals; the index of these serves only where both have
-- one collation.
ALTER TABLE proj_journals ALTER COLUMN bgt_id TYPE text COLLATE "C";

-- What is of an indicator and says the elements of its lines as well is looked for by its event.
CREATE INDEX ON proj_journals (ledger_id, generation, position) WHERE event = 'advance.expensed';

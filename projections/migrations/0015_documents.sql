-- What waits for the agreement of other persons, and what became of it.
CREATE TABLE proj_documents (
    ledger_id          bigint NOT NULL,
    generation         integer NOT NULL,
    document           text COLLATE "C" NOT NULL,    -- kind/number
    kind               text COLLATE "C" NOT NULL,
    number             text NOT NULL,
    state              text COLLATE "C" NOT NULL,    -- submitted, approved, returned
    awaits             text NOT NULL,                -- roles still to agree, in order, with commas
    next_role          text COLLATE "C" NOT NULL,
    by                 text NOT NULL,
    persons            text COLLATE "C" NOT NULL,    -- maker and who agreed, case-folded
    reason             text NOT NULL,
    submission         bigint NOT NULL,
    submitted_on       date NOT NULL,
    submitted_position bigint NOT NULL,
    last_position      bigint NOT NULL,
    PRIMARY KEY (ledger_id, generation, document)
);
CREATE INDEX ON proj_documents (ledger_id, generation, submitted_position);
-- what waits is little, whatever has been approved
CREATE INDEX ON proj_documents (ledger_id, generation, submitted_position)
    WHERE state = 'submitted';

GRANT SELECT, INSERT, UPDATE, DELETE ON proj_documents TO guoku_app;
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        GRANT MAINTAIN ON proj_documents TO guoku_app;
    END IF;
END $$;

-- 凭证号: the number of a journal in its month, in each set of books 账套 that it is of; 0 in others.
ALTER TABLE proj_journals
    ADD COLUMN acct_month      integer NOT NULL DEFAULT 0,   -- 13 is 整理期; 0 of openings
    ADD COLUMN indicator_no    integer NOT NULL DEFAULT 0,
    ADD COLUMN treasury_no     integer NOT NULL DEFAULT 0,
    ADD COLUMN unit_no         integer NOT NULL DEFAULT 0,
    ADD COLUMN zero_balance_no integer NOT NULL DEFAULT 0;

-- The last number of each set in each month, and whose indicator is whose.
CREATE TABLE proj_journal_counters (
    ledger_id  bigint NOT NULL,
    generation integer NOT NULL,
    acct_set   text COLLATE "C" NOT NULL,
    acct_month integer NOT NULL,
    last_no    integer NOT NULL,
    PRIMARY KEY (ledger_id, generation, acct_set, acct_month)
) WITH (fillfactor = 80);
CREATE TABLE proj_journal_units (
    ledger_id   bigint NOT NULL,
    generation  integer NOT NULL,
    bgt_id      text COLLATE "C" NOT NULL,
    agency_code text COLLATE "C" NOT NULL,
    PRIMARY KEY (ledger_id, generation, bgt_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON proj_journal_counters, proj_journal_units TO guoku_app;
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        GRANT MAINTAIN ON proj_journal_counters, proj_journal_units TO guoku_app;
    END IF;
END $$;

-- What opens the books of a year or closes them has rows of its own among an account's sums, so that
-- statements need not read the journals of all units. The read model `account_totals` is built anew.
ALTER TABLE proj_account_totals ADD COLUMN of_year text COLLATE "C" NOT NULL DEFAULT '',
    DROP CONSTRAINT proj_account_totals_pkey,
    ADD PRIMARY KEY (ledger_id, generation, effective_on, account, of_year);
ALTER TABLE proj_account_totals ALTER of_year DROP DEFAULT;
CREATE INDEX ON proj_account_totals (ledger_id, generation) WHERE of_year <> '';

ALTER TABLE proj_account_spans ADD COLUMN of_year text COLLATE "C" NOT NULL DEFAULT '',
    DROP CONSTRAINT proj_account_spans_pkey,
    ADD PRIMARY KEY (ledger_id, generation, span_events, span_end, effective_on, account, of_year);
ALTER TABLE proj_account_spans ALTER of_year DROP DEFAULT;

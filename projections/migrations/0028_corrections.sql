-- 更正: what of a payment went from one indicator to another, and what came back to another than its
-- own.
CREATE TABLE proj_corrections (
    ledger_id     bigint NOT NULL,
    generation    integer NOT NULL,
    position      bigint NOT NULL,
    kind          text NOT NULL,
    cor_no        text COLLATE "C" NOT NULL,
    refund_no     text COLLATE "C" NOT NULL,
    pay_app_no    text COLLATE "C" NOT NULL,
    pay_detail_id text NOT NULL,
    agency_code   text COLLATE "C" NOT NULL,
    from_bgt_id   text COLLATE "C" NOT NULL,
    to_bgt_id     text COLLATE "C" NOT NULL,
    cor_fen       bigint NOT NULL,
    waiting_fen   bigint NOT NULL,
    reason        text NOT NULL,
    effective_on  date NOT NULL,
    PRIMARY KEY (ledger_id, generation, position)
);
CREATE INDEX ON proj_corrections (ledger_id, generation, pay_app_no);
CREATE INDEX ON proj_corrections (ledger_id, generation, from_bgt_id);
CREATE INDEX ON proj_corrections (ledger_id, generation, to_bgt_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON proj_corrections TO guoku_app;
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        GRANT MAINTAIN ON proj_corrections TO guoku_app;
    END IF;
END $$;

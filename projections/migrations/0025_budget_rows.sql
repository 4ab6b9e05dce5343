-- Rows of the budget as they stand, and what moved each; as of a moment its movements are added up.
CREATE TABLE proj_budget_rows (
    ledger_id        bigint NOT NULL,
    generation       integer NOT NULL,
    bgt_pman_id      text COLLATE "C" NOT NULL,
    agency_code      text COLLATE "C" NOT NULL,
    agency_name      text NOT NULL,
    pro_code         text COLLATE "C" NOT NULL,
    pro_name         text NOT NULL,
    pro_cat_code     text COLLATE "C" NOT NULL,
    exp_func_code    text COLLATE "C" NOT NULL,
    gov_bgt_eco_code text COLLATE "C" NOT NULL,
    dep_bgt_eco_code text COLLATE "C" NOT NULL,
    fund_type_code   text COLLATE "C" NOT NULL,
    is_gov_pur       boolean NOT NULL,
    draft_no         text NOT NULL,                  -- of the last draft; '' for a row of an adjustment
    approve_doc_no   text NOT NULL,                  -- '' before it is approved
    apply_up_fen     bigint NOT NULL,                -- 一上
    fin_audit_fen    bigint NOT NULL,                -- 二上
    reply_fen        bigint NOT NULL,
    adj_fen          bigint NOT NULL,                -- with its sign, as dis_fen
    dis_fen          bigint NOT NULL,
    issued_fen       bigint NOT NULL,
    last_position    bigint NOT NULL,
    PRIMARY KEY (ledger_id, generation, bgt_pman_id)
) WITH (fillfactor = 80);
CREATE INDEX ON proj_budget_rows (ledger_id, generation, agency_code, bgt_pman_id);
CREATE INDEX ON proj_budget_rows (ledger_id, generation, pro_code, bgt_pman_id);

CREATE TABLE proj_budget_movements (
    ledger_id    bigint NOT NULL,
    generation   integer NOT NULL,
    bgt_pman_id  text COLLATE "C" NOT NULL,
    position     bigint NOT NULL,
    effective_on date NOT NULL,
    number       text NOT NULL,                      -- of the document
    bgt_id       text COLLATE "C" NOT NULL,          -- '' for the row's own events
    reply_fen    bigint NOT NULL,
    adj_fen      bigint NOT NULL,
    dis_fen      bigint NOT NULL,
    issued_fen   bigint NOT NULL,
    PRIMARY KEY (ledger_id, generation, bgt_pman_id, position)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON proj_budget_rows, proj_budget_movements TO guoku_app;
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        GRANT MAINTAIN ON proj_budget_rows, proj_budget_movements TO guoku_app;
    END IF;
END $$;

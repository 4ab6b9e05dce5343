-- 以前年度退回: what came back this year of what the year before has paid, and the clearing that
-- holds it.
CREATE TABLE proj_prior_returns (
    ledger_id          bigint NOT NULL,
    generation         integer NOT NULL,
    position           bigint NOT NULL,
    return_no          text COLLATE "C" NOT NULL,
    pay_app_no         text COLLATE "C" NOT NULL,    -- of the year before, as are the next two
    pay_cert_no        text NOT NULL,
    ori_bgt_id         text COLLATE "C" NOT NULL,
    bgt_id             text COLLATE "C" NOT NULL,    -- that goes on with it, or ''
    agency_code        text COLLATE "C" NOT NULL,
    pro_code           text COLLATE "C" NOT NULL,
    exp_func_code      text NOT NULL,
    gov_bgt_eco_code   text NOT NULL,
    dep_bgt_eco_code   text NOT NULL,
    fund_type_code     text NOT NULL,
    refund_fen         bigint NOT NULL,
    pay_bank_code      text NOT NULL,
    effective_on       date NOT NULL,
    claimable_on       date NOT NULL,
    clear_no           text NOT NULL,
    claim_no           text NOT NULL,
    PRIMARY KEY (ledger_id, generation, position)
);
CREATE INDEX ON proj_prior_returns (ledger_id, generation, pay_bank_code, claimable_on)
    WHERE clear_no = '';
CREATE INDEX ON proj_prior_returns (ledger_id, generation, clear_no, position)
    WHERE clear_no <> '';
GRANT SELECT, INSERT, UPDATE, DELETE ON proj_prior_returns TO guoku_app;
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        GRANT MAINTAIN ON proj_prior_returns TO guoku_app;
    END IF;
END $$;

CREATE OR REPLACE VIEW proj_clearing_movements AS
SELECT ledger_id, generation, receipt_position AS position, '2301' AS vt_code, clear_no, claim_no,
       pay_app_no, pay_cert_no, '' AS refund_no, xpay_fen AS amount_fen
FROM proj_payments WHERE clear_no <> ''
UNION ALL
SELECT ledger_id, generation, position, '2302', clear_no, claim_no,
       pay_app_no, pay_cert_no, refund_no, refund_fen
FROM proj_refunds WHERE clear_no <> ''
UNION ALL
SELECT ledger_id, generation, position, '2302', clear_no, claim_no,
       pay_app_no, pay_cert_no, return_no, refund_fen
FROM proj_prior_returns WHERE clear_no <> '';

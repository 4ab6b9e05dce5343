-- Lines of disbursement runs (批量支付), as they were uploaded. The events hold the SM3 over all of
-- a run's lines, and after approval no line can differ from it unnoticed: every voucher is compared
-- with what was approved before it is drawn. docs/disbursements.md tells how to check them.

CREATE TABLE disbursement_lines (
    ledger_id            bigint NOT NULL,
    run_no               text COLLATE "C" NOT NULL,
    line_no              integer NOT NULL,             -- 1, 2, 3, … without a gap
    file_line            integer NOT NULL,             -- where it stands in the user's file
    pay_detail_id        text COLLATE "C" NOT NULL,
    payee_acct_name      text COLLATE "C" NOT NULL,
    payee_acct_no        text COLLATE "C" NOT NULL,
    payee_acct_bank_name text COLLATE "C" NOT NULL,
    payee_bank_no        text COLLATE "C" NOT NULL,
    pay_fen              bigint NOT NULL,
    iden_no              text COLLATE "C" NOT NULL,
    remark               text COLLATE "C" NOT NULL,
    PRIMARY KEY (ledger_id, run_no, line_no)
);

-- Never UPDATE: a run that is not approved yet is loaded anew as a whole.
GRANT SELECT, INSERT, DELETE ON disbursement_lines TO guoku_app;

-- Read models: all of it follows from the events and may be thrown away and built again.
-- A generation is one building of a projection's rows; readers see the live one, a rebuilt one
-- grows beside it and takes its place in one statement. Keys compare by bytes (COLLATE "C"), so
-- that pages and digests have the same order on every machine. Amounts are in fen.

-- How far each generation has followed the ledger; written in the transaction of its rows.
CREATE TABLE proj_positions (
    ledger_id  bigint NOT NULL,
    projection text NOT NULL,
    generation integer NOT NULL,
    version    integer NOT NULL,                 -- of the program's projection that wrote the rows
    live       boolean NOT NULL,
    position   bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (ledger_id, projection, generation)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX ON proj_positions (ledger_id, projection) WHERE live;

CREATE TABLE proj_indicators (
    ledger_id          bigint NOT NULL,
    generation         integer NOT NULL,
    bgt_id             text COLLATE "C" NOT NULL,
    agency_code        text COLLATE "C" NOT NULL,
    agency_name        text NOT NULL,
    pro_code           text NOT NULL,
    pro_name           text NOT NULL,
    exp_func_code      text NOT NULL,
    exp_func_name      text NOT NULL,
    gov_bgt_eco_code   text NOT NULL,
    gov_bgt_eco_name   text NOT NULL,
    dep_bgt_eco_code   text NOT NULL,
    dep_bgt_eco_name   text NOT NULL,
    fund_type_code     text NOT NULL,
    fund_type_name     text NOT NULL,
    bgt_type_code      text NOT NULL,
    bgt_type_name      text NOT NULL,
    is_contrlbyplan    boolean NOT NULL,
    bgt_exe_flag       integer NOT NULL,
    effective_on       date NOT NULL,
    amount_fen         bigint NOT NULL,
    frozen_fen         bigint NOT NULL,
    pay_app_fen        bigint NOT NULL,
    pay_fen            bigint NOT NULL,
    canuse_fen         bigint NOT NULL,
    plan_fen           bigint NOT NULL,
    plan_canuse_fen    bigint NOT NULL,
    issued_position    bigint NOT NULL,
    last_position      bigint NOT NULL,
    PRIMARY KEY (ledger_id, generation, bgt_id)
) WITH (fillfactor = 80);
CREATE INDEX ON proj_indicators (ledger_id, generation, agency_code, bgt_id);

CREATE TABLE proj_payments (
    ledger_id            bigint NOT NULL,
    generation           integer NOT NULL,
    pay_app_no           text COLLATE "C" NOT NULL,
    bgt_id               text COLLATE "C" NOT NULL,
    agency_code          text COLLATE "C" NOT NULL,
    pro_code             text NOT NULL,
    exp_func_code        text NOT NULL,
    gov_bgt_eco_code     text NOT NULL,
    dep_bgt_eco_code     text NOT NULL,
    fund_type_code       text NOT NULL,
    status               text COLLATE "C" NOT NULL,
    pay_fen              bigint NOT NULL,
    xpay_fen             bigint NOT NULL,
    refund_fen           bigint NOT NULL,
    payee_acct_name      text NOT NULL,          -- of a payment without details
    payee_acct_no        text NOT NULL,
    payee_acct_bank_name text NOT NULL,
    details              integer NOT NULL,       -- how many; 0 for a payment without
    use_des              text NOT NULL,
    pay_cert_no          text NOT NULL,
    pay_bank_code        text NOT NULL,
    effective_on         date NOT NULL,          -- of the application
    applied_position     bigint NOT NULL,
    receipt_position     bigint NOT NULL,        -- 0 before the receipt
    last_position        bigint NOT NULL,
    claimable_on         date,                   -- a clearing of this date or later takes it
    clear_no             text NOT NULL,          -- the clearing that holds its receipt, or ''
    claim_no             text NOT NULL,
    PRIMARY KEY (ledger_id, generation, pay_app_no)
) WITH (fillfactor = 70);
CREATE INDEX ON proj_payments (ledger_id, generation, effective_on, applied_position);
CREATE INDEX ON proj_payments (ledger_id, generation, status, effective_on, applied_position);
CREATE INDEX ON proj_payments (ledger_id, generation, agency_code, effective_on, applied_position);
CREATE INDEX ON proj_payments (ledger_id, generation, bgt_id, effective_on, applied_position);
CREATE INDEX ON proj_payments (ledger_id, generation, pay_bank_code, claimable_on)
    WHERE clear_no = '' AND xpay_fen > 0;
CREATE INDEX ON proj_payments (ledger_id, generation, clear_no, receipt_position)
    WHERE clear_no <> '';

CREATE TABLE proj_refunds (
    ledger_id      bigint NOT NULL,
    generation     integer NOT NULL,
    position       bigint NOT NULL,
    refund_no      text COLLATE "C" NOT NULL,
    pay_app_no     text COLLATE "C" NOT NULL,
    pay_cert_no    text NOT NULL,
    pay_detail_id  text NOT NULL,
    fund_type_code text NOT NULL,
    refund_fen     bigint NOT NULL,
    pay_bank_code  text NOT NULL,
    effective_on   date NOT NULL,
    claimable_on   date NOT NULL,
    clear_no       text NOT NULL,
    claim_no       text NOT NULL,
    PRIMARY KEY (ledger_id, generation, position)
);
CREATE INDEX ON proj_refunds (ledger_id, generation, pay_bank_code, claimable_on)
    WHERE clear_no = '';
CREATE INDEX ON proj_refunds (ledger_id, generation, clear_no, position) WHERE clear_no <> '';

-- What a clearing holds: receipts under 2301, refunds under 2302.
CREATE VIEW proj_clearing_movements AS
SELECT ledger_id, generation, receipt_position AS position, '2301' AS vt_code, clear_no, claim_no,
       pay_app_no, pay_cert_no, '' AS refund_no, xpay_fen AS amount_fen
FROM proj_payments WHERE clear_no <> ''
UNION ALL
SELECT ledger_id, generation, position, '2302', clear_no, claim_no,
       pay_app_no, pay_cert_no, refund_no, refund_fen
FROM proj_refunds WHERE clear_no <> '';

-- Where journals stand; their lines stay in the event at `position`.
CREATE TABLE proj_journals (
    ledger_id      bigint NOT NULL,
    generation     integer NOT NULL,
    position       bigint NOT NULL,
    source         bigint NOT NULL,              -- position of the business event
    event          text NOT NULL,                -- its type
    effective_on   date NOT NULL,
    number         text NOT NULL,
    bgt_id         text NOT NULL,
    fund_type_code text NOT NULL,
    rule           text NOT NULL,
    red_flag       integer NOT NULL,
    books          text NOT NULL,                -- letters of the books it touches, as 'ADEF'
    PRIMARY KEY (ledger_id, generation, position)
);
CREATE INDEX ON proj_journals (ledger_id, generation, effective_on, position);
CREATE INDEX ON proj_journals (ledger_id, generation, source, position);

-- 发生额 of each account on each business day.
CREATE TABLE proj_account_totals (
    ledger_id    bigint NOT NULL,
    generation   integer NOT NULL,
    effective_on date NOT NULL,
    account      text COLLATE "C" NOT NULL,
    debit_fen    bigint NOT NULL,
    credit_fen   bigint NOT NULL,
    PRIMARY KEY (ledger_id, generation, effective_on, account)
) WITH (fillfactor = 50);

CREATE TABLE proj_refusals (
    ledger_id   bigint NOT NULL,
    generation  integer NOT NULL,
    position    bigint NOT NULL,
    operation   text COLLATE "C" NOT NULL,
    number      text NOT NULL,
    code        text COLLATE "C" NOT NULL,
    detail      text NOT NULL,
    by          text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (ledger_id, generation, position)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON proj_positions, proj_indicators, proj_payments,
    proj_refunds, proj_journals, proj_account_totals, proj_refusals TO guoku_app;
GRANT SELECT ON proj_clearing_movements TO guoku_app;

-- 全省查询: what queries over divisions read. The tables below hold no rows of their own; they stand
-- above those of the read models, which the projector goes on writing by COPY (which row security
-- knows nothing of). Whoever reads through them sees, by row security, what two settings of his
-- transaction name, and nothing at all where they name nothing:
--   guoku.division  the beginning of the division codes he reaches, and a star: '44*', '*' for all
--   guoku.agencies  likewise of units, by commas: '101*,102005*', '*' for all
-- FORCE holds the owner to it, too.

CREATE FUNCTION caller_ledgers(filler text) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN current_setting('guoku.division', true) ~ '^[0-9]{0,9}\*$'
        THEN rpad(rtrim(current_setting('guoku.division', true), '*'), 13, filler)::bigint END
$$;
CREATE FUNCTION caller_agencies() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN current_setting('guoku.agencies', true) = '*' THEN ARRAY['']
        WHEN current_setting('guoku.agencies', true) ~ '^[0-9A-Za-z]+\*(,[0-9A-Za-z]+\*)*$'
        THEN string_to_array(translate(current_setting('guoku.agencies', true), '*', ''), ',') END
$$;

CREATE TABLE province_positions (
    ledger_id  bigint,
    projection text,
    generation integer,
    live       boolean,
    position   bigint,
    CONSTRAINT holds_no_rows CHECK (false) NO INHERIT
);
ALTER TABLE proj_positions INHERIT province_positions;

CREATE TABLE province_payments (
    ledger_id            bigint,
    generation           integer,
    pay_app_no           text COLLATE "C",
    bgt_id               text COLLATE "C",
    agency_code          text COLLATE "C",
    pro_code             text,
    exp_func_code        text,
    gov_bgt_eco_code     text,
    dep_bgt_eco_code     text,
    fund_type_code       text,
    status               text COLLATE "C",
    pay_fen              bigint,
    xpay_fen             bigint,
    refund_fen           bigint,
    returned_fen         bigint,
    payee_acct_name      text,
    payee_acct_no        text,
    payee_acct_bank_name text,
    details              integer,
    use_des              text,
    pay_cert_no          text,
    pay_bank_code        text,
    effective_on         date,
    applied_position     bigint,
    CONSTRAINT holds_no_rows CHECK (false) NO INHERIT
);
ALTER TABLE proj_payments INHERIT province_payments;

CREATE TABLE province_indicators (
    ledger_id         bigint,
    generation        integer,
    bgt_id            text COLLATE "C",
    agency_code       text COLLATE "C",
    agency_name       text,
    pro_code          text,
    pro_name          text,
    exp_func_code     text,
    exp_func_name     text,
    gov_bgt_eco_code  text,
    dep_bgt_eco_code  text,
    fund_type_code    text,
    bgt_type_code     text,
    effective_on      date,
    amount_fen        bigint,
    pending_fen       bigint,
    frozen_fen        bigint,
    pay_app_fen       bigint,
    pay_fen           bigint,
    canuse_fen        bigint,
    CONSTRAINT holds_no_rows CHECK (false) NO INHERIT
);
ALTER TABLE proj_indicators INHERIT province_indicators;

ALTER TABLE province_positions ENABLE ROW LEVEL SECURITY;
ALTER TABLE province_positions FORCE ROW LEVEL SECURITY;
ALTER TABLE province_payments ENABLE ROW LEVEL SECURITY;
ALTER TABLE province_payments FORCE ROW LEVEL SECURITY;
ALTER TABLE province_indicators ENABLE ROW LEVEL SECURITY;
ALTER TABLE province_indicators FORCE ROW LEVEL SECURITY;

-- what does not depend on the row is worked out once, as a query of its own
CREATE POLICY callers ON province_positions FOR SELECT USING (
    ledger_id BETWEEN (SELECT caller_ledgers('0')) AND (SELECT caller_ledgers('9')));
CREATE POLICY callers ON province_payments FOR SELECT USING (
    ledger_id BETWEEN (SELECT caller_ledgers('0')) AND (SELECT caller_ledgers('9'))
    AND ((SELECT caller_agencies() = ARRAY[''])
        OR agency_code ^@ ANY ((SELECT caller_agencies())::text[])));
CREATE POLICY callers ON province_indicators FOR SELECT USING (
    ledger_id BETWEEN (SELECT caller_ledgers('0')) AND (SELECT caller_ledgers('9'))
    AND ((SELECT caller_agencies() = ARRAY[''])
        OR agency_code ^@ ANY ((SELECT caller_agencies())::text[])));

GRANT SELECT ON province_positions, province_payments, province_indicators TO guoku_app;

-- 直达资金: indicators by their marks, and what corrections moved to them, over all divisions. A column
-- of the upper table comes into the read model's below it.
ALTER TABLE province_indicators ADD COLUMN is_dir_code text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE province_indicators ADD COLUMN track_pro_code text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX proj_indicators_marked ON proj_indicators (ledger_id, generation, track_pro_code)
    WHERE is_dir_code <> '' OR track_pro_code <> '';

CREATE TABLE province_corrections (
    ledger_id   bigint,
    generation  integer,
    pay_app_no  text COLLATE "C",
    agency_code text COLLATE "C",
    to_bgt_id   text COLLATE "C",
    CONSTRAINT holds_no_rows CHECK (false) NO INHERIT
);
ALTER TABLE proj_corrections INHERIT province_corrections;
ALTER TABLE province_corrections ENABLE ROW LEVEL SECURITY;
ALTER TABLE province_corrections FORCE ROW LEVEL SECURITY;
CREATE POLICY callers ON province_corrections FOR SELECT USING (
    ledger_id BETWEEN (SELECT caller_ledgers('0')) AND (SELECT caller_ledgers('9'))
    AND ((SELECT caller_agencies() = ARRAY[''])
        OR agency_code ^@ ANY ((SELECT caller_agencies())::text[])));
GRANT SELECT ON province_corrections TO guoku_app;

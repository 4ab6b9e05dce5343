-- Projects are events of their division's standing ledger. These rows show whose each is, of which
-- category, and how far it has come: one row a version, which holds from its start_date on.
CREATE TABLE projects (
    ledger_id    bigint NOT NULL,                    -- of the standing ledger
    pro_code     text COLLATE "C" NOT NULL,
    start_date   date NOT NULL,
    agency_code  text COLLATE "C" NOT NULL,
    pro_cat_code text COLLATE "C" NOT NULL,
    state        text COLLATE "C" NOT NULL,
    PRIMARY KEY (ledger_id, pro_code, start_date)
);
CREATE INDEX projects_of_agency ON projects (ledger_id, agency_code, pro_code);
GRANT SELECT, INSERT, UPDATE ON projects TO guoku_app;

-- What treasuries loaded of the code sets (代码集), over what the program ships. Rows are never
-- changed: a later load supersedes, so the sets that held at any load can be read again.

CREATE TABLE code_set_loads (
    load_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    loaded_at  timestamptz NOT NULL DEFAULT now(),
    loaded_by  text NOT NULL CHECK (loaded_by <> ''),
    version    text NOT NULL,                     -- of shipped and loaded sets together, after it
    file_name  text NOT NULL,
    file_sm3   text NOT NULL,
    added      integer NOT NULL,
    superseded integer NOT NULL,
    unchanged  integer NOT NULL
);

CREATE TABLE code_sets (
    element      text NOT NULL,
    code         text NOT NULL,
    name         text NOT NULL,
    parent       text NOT NULL,
    is_leaf      smallint NOT NULL CHECK (is_leaf IN (1, 2)),      -- 1 是, 2 否
    is_enabled   smallint NOT NULL CHECK (is_enabled IN (1, 2)),
    is_standard  smallint NOT NULL CHECK (is_standard IN (1, 2)),
    start_date   date NOT NULL,
    end_date     date NOT NULL,
    mof_div_code text NOT NULL,                   -- '' = national
    fiscal_year  text NOT NULL,                   -- '' = every year
    load_id      bigint NOT NULL REFERENCES code_set_loads,
    CHECK (end_date >= start_date),
    PRIMARY KEY (element, code, mof_div_code, fiscal_year, start_date, load_id)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON code_set_loads
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON code_sets
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON code_set_loads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON code_sets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
GRANT SELECT, INSERT ON code_set_loads, code_sets TO guoku_app;

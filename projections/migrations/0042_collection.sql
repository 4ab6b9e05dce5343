-- 数据采集: rows of standard tables that other divisions have sent upward, as they sent them. Whatever
-- is lost here is brought again by its sender; whose word it is, its signed file says.

CREATE TABLE collected_files (
    ledger_id   bigint NOT NULL,                -- the sender's
    to_position bigint NOT NULL,                -- of its history, up to which the rows are
    from_position bigint NOT NULL,              -- 0 of a snapshot
    to_chain    text NOT NULL,                  -- of that history after that position, hex
    header_sm3  text NOT NULL,
    cert_serial text NOT NULL,                  -- "" of a ledger that is kept here
    header      text NOT NULL,                  -- as it was signed
    signature   text NOT NULL,
    taken_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (ledger_id, to_position)
);
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON collected_files TO guoku_app;

CREATE TABLE collected_rows (
    ledger_id  bigint NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    row_key    text COLLATE "C" NOT NULL,
    is_deleted boolean NOT NULL,
    position   bigint NOT NULL,                 -- to_position of the file that brought it
    row        jsonb NOT NULL,                  -- element to text
    PRIMARY KEY (ledger_id, table_name, row_key)
);
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON collected_rows TO guoku_app;

-- Rows that were not taken, until a file brings them sound: their sender sends each anew as a whole.
CREATE TABLE collected_rejections (
    ledger_id  bigint NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    row_key    text COLLATE "C" NOT NULL,
    source     text NOT NULL,                   -- the object in the sender's history
    rule       text NOT NULL,
    field      text NOT NULL,
    message    text NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (ledger_id, table_name, row_key)
);
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON collected_rejections TO guoku_app;

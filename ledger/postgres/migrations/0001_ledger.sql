-- The truth: ledgers, their events, and what is written in the same transaction with them.
-- Every key of a table that belongs to a ledger begins with ledger_id
-- (= mof_div_code * 10000 + fiscal_year), so that the schema distributes by it unchanged.

-- The head of each ledger. A writer locks this row until it commits: that, and nothing else,
-- is why positions are gapless and in commit order.
CREATE TABLE ledgers (
    ledger_id    bigint PRIMARY KEY,
    position     bigint NOT NULL DEFAULT 0,
    chain        bytea NOT NULL CHECK (length(chain) = 32),
    recorded_at  timestamptz NOT NULL,
    stream_version integer NOT NULL DEFAULT 0,   -- of the ledger's own stream
    settings     jsonb NOT NULL                  -- name, signature policy, closed period
) WITH (fillfactor = 50);

CREATE TABLE events (
    ledger_id      bigint NOT NULL,
    position       bigint NOT NULL,
    stream_id      uuid NOT NULL,
    stream_version integer NOT NULL,
    type           text NOT NULL,
    recorded_at    timestamptz NOT NULL,
    effective_on   date NOT NULL,
    payload        bytea NOT NULL,
    digest         bytea NOT NULL,
    PRIMARY KEY (ledger_id, position),
    UNIQUE (ledger_id, stream_id, stream_version)
);

-- One row a commit: the chain after it, and the time at which the ledger learned it.
CREATE TABLE commits (
    ledger_id      bigint NOT NULL,
    position       bigint NOT NULL,              -- of its last event
    first_position bigint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    chain          bytea NOT NULL,
    PRIMARY KEY (ledger_id, position)
);
CREATE INDEX commits_recorded_at ON commits (ledger_id, recorded_at);  -- "as of that time"

-- Business numbers and idempotency keys, kept for ever. The answer is not stored a second time:
-- it follows from the events first_position..last_position.
CREATE TABLE command_keys (
    ledger_id      bigint NOT NULL,
    operation      text NOT NULL,
    number         text NOT NULL,
    fingerprint    bytea NOT NULL,
    stream_id      uuid NOT NULL,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL,
    PRIMARY KEY (ledger_id, operation, number)
);

-- Credit balances of the indicator book per indicator, under control: none may fall below zero.
-- The CHECK is the last line behind the decision that was made before it.
CREATE TABLE controlled_balances (
    ledger_id     bigint NOT NULL,
    bgt_id        text NOT NULL,
    available_fen bigint NOT NULL CHECK (available_fen >= 0),   -- 支出指标
    frozen_fen    bigint NOT NULL CHECK (frozen_fen >= 0),      -- 冻结
    occupied_fen  bigint NOT NULL CHECK (occupied_fen >= 0),    -- 支付申请
    paid_fen      bigint NOT NULL CHECK (paid_fen >= 0),        -- 支付
    plan_fen      bigint NOT NULL CHECK (plan_fen >= 0),        -- 用款计划, not an account
    PRIMARY KEY (ledger_id, bgt_id)
) WITH (fillfactor = 50);

-- What the bank has paid ahead (2301) or received back (2302) and not yet settled with the
-- central bank: the balance of 待清算款项 by what a claim sums over.
CREATE TABLE uncleared (
    ledger_id        bigint NOT NULL,
    pay_bank_code    text NOT NULL,
    effective_on     date NOT NULL,
    vt_code          text NOT NULL,
    fund_type_code   text NOT NULL,
    sup_dep_code     text NOT NULL,
    exp_func_code    text NOT NULL,
    gov_bgt_eco_code text NOT NULL,
    amount_fen       numeric(30, 0) NOT NULL CHECK (amount_fen > 0),
    PRIMARY KEY (ledger_id, pay_bank_code, effective_on, vt_code, fund_type_code,
                 sup_dep_code, exp_func_code, gov_bgt_eco_code)
);

-- Vouchers and receipts exactly as signed and as received (zlib), by their SM3, which the events
-- name: whoever changes one of these bytes breaks the digest in the chain.
CREATE TABLE documents (
    ledger_id bigint NOT NULL,
    sm3       bytea NOT NULL CHECK (length(sm3) = 32),
    body      bytea NOT NULL,
    PRIMARY KEY (ledger_id, sm3)
);

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: history is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'commits', 'command_keys', 'documents'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()', name);
        EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO guoku_app', name);
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA public TO guoku_app;
GRANT SELECT, INSERT, UPDATE ON ledgers, controlled_balances TO guoku_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON uncleared TO guoku_app;

-- The events as SQL reads them; bytes that are no JSON (a foreign recorder's) show as null.
CREATE VIEW event_log AS
SELECT ledger_id, position, stream_id, stream_version, type, recorded_at, effective_on,
       CASE WHEN pg_input_is_valid(convert_from(payload, 'UTF8'), 'jsonb')
            THEN convert_from(payload, 'UTF8')::jsonb END AS payload,
       encode(digest, 'hex') AS digest
FROM events;
GRANT SELECT ON event_log TO guoku_app;

-- Webhooks 推送地址 are events of the standing ledgers; this table shows what the events are folded
-- to. What is brought where, and how far, is no truth: what is lost is brought again.

CREATE TABLE webhooks (
    ledger_id     bigint NOT NULL,                -- the standing ledger
    webhook_no    text COLLATE "C" NOT NULL,
    url           text NOT NULL,
    types         text[] NOT NULL,                -- of events; * is all
    division      text NOT NULL,                  -- prefix of mof_div_code it was registered for
    principal_key text COLLATE "C" NOT NULL,      -- whose rights say of which ledgers
    registered_at timestamptz NOT NULL,
    ended_at      timestamptz,
    PRIMARY KEY (ledger_id, webhook_no)
);
GRANT SELECT, INSERT, UPDATE ON webhooks TO guoku_app;

-- A secret that the caller has brought, sealed for its webhook; one that he has not follows from a
-- key of the server and stands nowhere.
CREATE TABLE webhook_secrets (
    home_id       bigint NOT NULL,                -- the standing ledger of the webhook
    webhook_no    text COLLATE "C" NOT NULL,
    principal_key text COLLATE "C" NOT NULL,      -- who has brought it
    sealed        bytea NOT NULL,
    PRIMARY KEY (home_id, webhook_no, principal_key)
);
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON webhook_secrets TO guoku_app;

CREATE TABLE webhook_positions (
    home_id         bigint NOT NULL,
    webhook_no      text COLLATE "C" NOT NULL,
    ledger_id       bigint NOT NULL,              -- whose events are brought, in their order
    position        bigint NOT NULL,              -- up to which the receiver has them
    attempts        integer NOT NULL DEFAULT 0,   -- of the event behind it
    answered        integer NOT NULL DEFAULT 0,   -- of these with an answer
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease_no        bigint NOT NULL DEFAULT 0,    -- of who may move the position
    leased_until    timestamptz,
    last_error      text NOT NULL DEFAULT '',
    stopped         text NOT NULL DEFAULT '',     -- why nothing is brought before somebody says so
    PRIMARY KEY (home_id, webhook_no, ledger_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON webhook_positions TO guoku_app;

CREATE TABLE webhook_dead_letters (
    home_id    bigint NOT NULL,
    webhook_no text COLLATE "C" NOT NULL,
    ledger_id  bigint NOT NULL,
    position   bigint NOT NULL,                   -- of the event that the receiver did not take
    attempts   integer NOT NULL,
    last_error text NOT NULL,
    dead_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (home_id, webhook_no, ledger_id, position)
);
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON webhook_dead_letters TO guoku_app;

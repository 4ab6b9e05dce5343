-- Sessions 会话: persons at browsers. A row is believed by its seal alone, which only a server can
-- make; what it refers to, token or certificate and rights, is asked again at every call. Nothing is
-- lost with the table but that everybody logs in again (division/sessions.py).

CREATE TABLE sessions (
    session_sm3   bytea PRIMARY KEY,              -- of the secret in the cookie
    token_sm3     bytea,                          -- of the token it was begun with, or:
    cert_serial   text COLLATE "C",               -- whose key has signed the nonce
    nonce         text COLLATE "C" UNIQUE,        -- each begins one session
    ledger_id     bigint,                         -- the standing ledger that has the person's rights
    principal_key text COLLATE "C",
    begun_at      timestamptz NOT NULL,
    used_at       timestamptz NOT NULL,
    ended_at      timestamptz,
    seal          bytea NOT NULL,                 -- HMAC-SM3 over all but used_at and ended_at
    CHECK ((token_sm3 IS NULL) = (cert_serial IS NOT NULL)),
    CHECK ((cert_serial IS NULL) = (nonce IS NULL AND ledger_id IS NULL AND principal_key IS NULL))
);
CREATE INDEX sessions_by_age ON sessions (begun_at);

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON sessions TO guoku_app;

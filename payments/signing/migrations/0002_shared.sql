-- Shared reference data: small, the same for every ledger.

CREATE TABLE tokens (
    token_sm3    bytea PRIMARY KEY,               -- the token itself is never stored
    principal    text NOT NULL,
    roles        text[] NOT NULL,
    division     text NOT NULL,                   -- prefix of mof_div_code it may act in
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz
);

CREATE TABLE certificates (
    serial       text PRIMARY KEY,
    subject      text NOT NULL,                   -- principal/<name>, bank/<code>, pboc/<code>
    public_key   bytea NOT NULL CHECK (length(public_key) = 64),
    not_before   timestamptz NOT NULL,
    not_after    timestamptz NOT NULL,
    revoked_at   timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON certificates (subject);

GRANT SELECT, INSERT, UPDATE ON tokens, certificates TO guoku_app;

-- Banks that do not answer now: whom to ask again when, and what the others wait for. It is no truth:
-- a bank that is asked says anew whether it is there (payments/delivery/outages.py).

CREATE TABLE bank_outages (
    url           text PRIMARY KEY,             -- where messages to it go
    bank          text NOT NULL,                -- its pay_bank_code, or pboc
    since         timestamptz NOT NULL DEFAULT now(),
    last_error    text NOT NULL,
    asked         integer NOT NULL DEFAULT 1,   -- messages without an answer, one after the other
    next_probe_at timestamptz NOT NULL,         -- while one is under way: when its lease ends
    told_at       timestamptz                   -- when the log has told of it
);

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON bank_outages TO guoku_app;

-- held: waits, untried or not, until the bank at this address answers.
ALTER TABLE outbox ADD COLUMN url text NOT NULL DEFAULT '';
ALTER TABLE outbox DROP CONSTRAINT outbox_state_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_state_check
    CHECK (state IN ('due', 'held', 'sent', 'dead'));
CREATE INDEX outbox_held ON outbox (url, attempts, position) WHERE state = 'held';

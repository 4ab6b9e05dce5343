-- What is on its way to a bank or to the central bank: a reading of the events, and no truth of its
-- own. It can be emptied and read again (payments/channel/outbox.py).
-- A row comes with the last signature of a voucher, or with a claim, and goes with the receipt.

CREATE TABLE outbox (
    ledger_id       bigint NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('voucher', 'claim')),
    number          text NOT NULL,               -- pay_app_no of a voucher, voucher_no of a claim
    position        bigint NOT NULL,             -- of the event that made it due
    state           text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sent', 'dead')),
    attempts        integer NOT NULL DEFAULT 0,  -- begun, the one under way included
    next_attempt_at timestamptz NOT NULL,        -- while one is under way: when its lease ends
    last_error      text NOT NULL DEFAULT '',
    PRIMARY KEY (ledger_id, kind, number)
) WITH (fillfactor = 70);

-- The first finds whose turn it is, the second what else of that ledger goes into the message.
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state = 'due';
CREATE INDEX outbox_due_of_ledger ON outbox (ledger_id, kind, next_attempt_at) WHERE state = 'due';
CREATE INDEX outbox_dead ON outbox (ledger_id) WHERE state = 'dead';

-- How far each ledger's events have been read; moved in the transaction that writes the rows.
CREATE TABLE outbox_positions (
    ledger_id bigint PRIMARY KEY,
    position  bigint NOT NULL DEFAULT 0
);

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON outbox, outbox_positions TO guoku_app;

-- A plain double-entry ledger in Postgres functions, as most teams would write one: what the bench
-- sets beside the sequencer. One currency, amounts in fen. Balance rows are locked in the order of
-- their ids (no deadlock), a transfer with a used number changes nothing, an account that may not
-- be overdrawn is not. It keeps balances, transfers and entries; it has no events, no hashes, no
-- books by rule, no documents and no record of what was refused.

CREATE TABLE accounts (
    account_id  bigint PRIMARY KEY,
    name        text NOT NULL,
    floored     boolean NOT NULL,              -- whether it may not fall below zero
    balance_fen bigint NOT NULL DEFAULT 0,
    version     bigint NOT NULL DEFAULT 0,
    CHECK (NOT floored OR balance_fen >= 0)
);

CREATE TABLE transfers (
    transfer_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number      text NOT NULL UNIQUE,          -- the caller's: makes a repeated call harmless
    from_id     bigint NOT NULL REFERENCES accounts,
    to_id       bigint NOT NULL REFERENCES accounts,
    amount_fen  bigint NOT NULL CHECK (amount_fen > 0),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK (from_id <> to_id)
);

CREATE TABLE entries (
    entry_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id bigint NOT NULL REFERENCES transfers,
    account_id  bigint NOT NULL REFERENCES accounts,
    amount_fen  bigint NOT NULL,               -- negative where it leaves
    balance_fen bigint NOT NULL,               -- of the account after it
    version     bigint NOT NULL,               -- of the account after it
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, version)
);

CREATE FUNCTION move(
    transfer bigint, account bigint, change_fen bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    moved accounts;
BEGIN
    UPDATE accounts SET balance_fen = balance_fen + change_fen, version = version + 1
        WHERE account_id = account RETURNING * INTO STRICT moved;
    INSERT INTO entries (transfer_id, account_id, amount_fen, balance_fen, version)
        VALUES (transfer, account, change_fen, moved.balance_fen, moved.version);
END $$;

-- One transfer; its account rows are locked already.
CREATE FUNCTION post_locked(
    number_ text, from_ bigint, to_ bigint, amount_fen_ bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    transfer bigint;
BEGIN
    INSERT INTO transfers (number, from_id, to_id, amount_fen)
        VALUES (number_, from_, to_, amount_fen_)
        ON CONFLICT (number) DO NOTHING RETURNING transfer_id INTO transfer;
    IF transfer IS NULL THEN
        SELECT transfer_id INTO STRICT transfer FROM transfers WHERE number = number_;
        RETURN transfer;
    END IF;
    PERFORM move(transfer, from_, -amount_fen_);
    PERFORM move(transfer, to_, amount_fen_);
    RETURN transfer;
END $$;

-- Transfers in one call and one transaction, in order.
CREATE FUNCTION post_transfers(
    numbers text[], from_ids bigint[], to_ids bigint[], amounts_fen bigint[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM accounts WHERE account_id = ANY (from_ids || to_ids)
        ORDER BY account_id FOR UPDATE;
    FOR i IN 1 .. cardinality(numbers) LOOP
        RETURN NEXT post_locked(numbers[i], from_ids[i], to_ids[i], amounts_fen[i]);
    END LOOP;
END $$;

-- The Merkle trees over the events, and where the system ledger holds each signed checkpoint.

-- Roots of perfect subtrees of 256, 65,536, … leaves (level 8, 16, …). What lies below is computed
-- from the events' digests, so that a tree of n events takes n/256 rows; what lies above, from these.
CREATE TABLE merkle_nodes (
    ledger_id bigint NOT NULL,
    index     bigint NOT NULL,                   -- over the leaves index * 2^level and on
    level     smallint NOT NULL,
    root      bytea NOT NULL CHECK (length(root) = 32),
    PRIMARY KEY (ledger_id, level, index)
);

-- How far each tree goes: always to the end of a commit. The row is locked while a tree grows.
CREATE TABLE sealed (
    ledger_id   bigint PRIMARY KEY,
    size        bigint NOT NULL,
    root        bytea NOT NULL CHECK (length(root) = 32),
    chain       bytea NOT NULL CHECK (length(chain) = 32),
    recorded_at timestamptz NOT NULL             -- of that commit
) WITH (fillfactor = 50);

-- A reading of the system ledgers, and no truth of its own: where each checkpoint, province head,
-- cosignature and key stands (system_ledger_id, position).
CREATE TABLE checkpoints (
    ledger_id        bigint NOT NULL,
    size             bigint NOT NULL,
    system_ledger_id bigint NOT NULL,
    position         bigint NOT NULL,
    PRIMARY KEY (ledger_id, size)
);
CREATE TABLE province_heads (
    system_ledger_id bigint NOT NULL,
    position         bigint NOT NULL,
    PRIMARY KEY (system_ledger_id, position)
);
CREATE TABLE cosignatures (
    system_ledger_id bigint NOT NULL,
    sealed_position  bigint NOT NULL,            -- of the event that holds the note
    witness          text NOT NULL,
    position         bigint NOT NULL,
    PRIMARY KEY (system_ledger_id, sealed_position, witness)
);
CREATE TABLE note_keys (
    system_ledger_id bigint NOT NULL,
    position         bigint NOT NULL,
    name             text NOT NULL,
    public_key       bytea NOT NULL CHECK (length(public_key) = 64),
    PRIMARY KEY (system_ledger_id, position)
);
CREATE TABLE system_positions (
    system_ledger_id bigint PRIMARY KEY,
    position         bigint NOT NULL             -- read up to here
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['merkle_nodes', 'checkpoints', 'province_heads', 'cosignatures',
                                'note_keys'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()', name);
        EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO guoku_app', name);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE ON sealed, system_positions TO guoku_app;

-- The ledgers of divisions, without the system ledgers (000000000-<year>): those that have books,
-- read models and messages, and are sealed as they grow.
CREATE VIEW division_ledgers AS SELECT * FROM ledgers WHERE ledger_id >= 10000;
GRANT SELECT ON division_ledgers TO guoku_app;

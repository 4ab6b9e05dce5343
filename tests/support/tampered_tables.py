"""What a superuser does to rows, triggers and grants, and the check that finds it."""

STORED: dict[str, tuple[str, str]] = {
    "the policy signs with one": (
        "head",
        ("UPDATE ledgers SET settings = jsonb_set(settings, '{signature_policy,roles}',"
        " '[\"unit\"]') WHERE ledger_id > 10000"),
    ),
    "a period is open again": (
        "head",
        ("UPDATE ledgers SET settings = jsonb_set(settings, '{periods,closed_through}',"
        " '\"2026-01-31\"') WHERE ledger_id > 10000"),
    ),
    "settings that nobody can read": (
        "head",
        "UPDATE ledgers SET settings = '5' WHERE ledger_id > 10000",
    ),
    "the head's time": (
        "head",
        "UPDATE ledgers SET recorded_at = recorded_at + interval '1 day' WHERE ledger_id > 10000",
    ),
    "the head's infinite time": ("head", "UPDATE ledgers SET recorded_at = 'infinity'"),
    "the head's stream": (
        "head",
        "UPDATE ledgers SET stream_version = stream_version + 1 WHERE ledger_id > 10000",
    ),
    "uncleared doubled": (
        "balance",
        "UPDATE registers SET amounts = ARRAY[amounts[1] * 2] WHERE register = 'uncleared'",
    ),
    "an uncleared key that is none": (
        "clearing",
        "UPDATE registers SET key = key || '7' WHERE register = 'uncleared'",
    ),
    "an uncleared amount that is null": (
        "clearing",
        "UPDATE registers SET amounts = '{}' WHERE register = 'uncleared'",
    ),
    "an uncleared row removed": ("balance", "DELETE FROM registers WHERE register = 'uncleared'"),
    "an indicator removed": (
        "balance",
        "DELETE FROM registers WHERE register = 'indicator' AND key = 'B1'",
    ),
    "an indicator made up": (
        "balance",
        "INSERT INTO registers VALUES (4400000002026, 'indicator', 'B77', 5, '{1,0,0,0,0}')",
    ),
    "an indicator's paid and available": (
        "balance",
        ("UPDATE registers SET amounts[1] = amounts[1] + 1, amounts[4] = amounts[4] - 1"
        " WHERE key = 'B1'"),
    ),
    "no amount at all": (
        "balance",
        "UPDATE registers SET amounts[1] = 'NaN' WHERE register = 'indicator' AND key = 'B1'",
    ),
    "a field too many": (
        "balance",
        "UPDATE registers SET amounts = amounts || 7::numeric WHERE key = 'B1'",
    ),
    "an amount that is null": (
        "balance",
        "UPDATE registers SET amounts[2] = NULL WHERE register = 'indicator' AND key = 'B1'",
    ),
    "no floor": ("balance", "UPDATE registers SET floored = 0 WHERE key = 'B1'"),
    "a register nobody knows": (
        "balance",
        "INSERT INTO registers VALUES (4400000002026, 'gift', 'B1', 0, '{1}')",
    ),
    "an earlier day made up": (
        "balance",
        (
            "INSERT INTO register_days (ledger_id, register, key, day, amounts)"
            " VALUES (4400000002026, 'indicator', 'B1', '2026-01-05', '{1,0,0,0,0}')"
        ),
    ),
    "the zero-balance account spared": (
        "clearing",
        (
            "UPDATE events SET payload = convert_to(replace(convert_from(payload, 'UTF8'),"
            " '[\"F1\"', '[\"F2\"'), 'UTF8') WHERE position = (SELECT min(position) FROM events"
            " WHERE type = 'journal.posted' AND convert_from(payload, 'UTF8') LIKE '%[\"F1\",%')"
        ),
    ),
    "a node changed": ("node", "UPDATE merkle_nodes SET root = decode(repeat('00', 32), 'hex')"),
    "a node removed": ("node", "DELETE FROM merkle_nodes"),
    "a node made up": (
        "node",
        ("INSERT INTO merkle_nodes VALUES"
        " (4400000002026, 7, 8, decode(repeat('00', 32), 'hex'))"),
    ),
    "sealed less": ("node", "UPDATE sealed SET size = 1 WHERE ledger_id > 10000"),
    "sealed more": ("checkpoint", "UPDATE sealed SET size = size + 1 WHERE ledger_id > 10000"),
    "another root sealed": (
        "checkpoint",
        "UPDATE sealed SET root = decode(repeat('00', 32), 'hex') WHERE ledger_id > 10000",
    ),
    "sealed at an infinite time": ("checkpoint", "UPDATE sealed SET recorded_at = '-infinity'"),
    "a checkpoint's place removed": ("reading", "DELETE FROM checkpoints"),
    "a checkpoint's place changed": ("reading", "UPDATE checkpoints SET size = size + 1"),
    "a checkpoint's place made up": (
        "reading",
        "INSERT INTO checkpoints VALUES (4400000002026, 3, 2026, 1)",
    ),
    "a cosignature made up": (
        "reading",
        "INSERT INTO cosignatures VALUES (2026, 2, 'witness/audit', 3)",
    ),
    "a key made up": (
        "reading",
        "INSERT INTO note_keys VALUES (2026, 3, 'guoku/log', decode(repeat('07', 64), 'hex'))",
    ),
    "a key removed": ("reading", "DELETE FROM note_keys"),
    "a province head removed": ("reading", "DELETE FROM province_heads"),
    "read beyond the end": ("reading", "UPDATE system_positions SET position = 1000"),
    "a due voucher removed": ("outbox", "DELETE FROM outbox WHERE number = 'DUE'"),
    "a refused voucher removed": ("outbox", "DELETE FROM outbox WHERE number = 'NO'"),
    "a due recall removed": ("outbox", "DELETE FROM outbox WHERE kind = 'recall'"),
    "a due refund removed": ("outbox", "DELETE FROM outbox WHERE kind = 'refund'"),
    "a void voucher due again": (
        "outbox",
        "INSERT INTO outbox VALUES (4400000002026, 'voucher', 'P14', 20, 'due', 0, now())",
    ),
    "a due claim removed": ("outbox", "DELETE FROM outbox WHERE kind = 'claim'"),
    "a voucher sent again": (
        "outbox",
        "INSERT INTO outbox VALUES (4400000002026, 'voucher', 'P1', 20, 'due', 0, now())",
    ),
    "a dead one made up": (
        "outbox",
        "INSERT INTO outbox VALUES (4400000002026, 'voucher', 'P2', 20, 'dead', 0, now())",
    ),
    "said to be sent": ("outbox", "UPDATE outbox SET state = 'sent' WHERE number = 'DUE'"),
    "a due voucher put off for a year": (
        "outbox",
        "UPDATE outbox SET next_attempt_at = now() + interval '1 year' WHERE number = 'DUE'",
    ),
    "a due voucher put off for ever": (
        "outbox",
        "UPDATE outbox SET next_attempt_at = 'infinity' WHERE number = 'DUE'",
    ),
    "due since another event": ("outbox", "UPDATE outbox SET position = position - 1"),
    "the outbox read beyond the end": ("outbox", "UPDATE outbox_positions SET position = 100000"),
    "a voucher's issue removed": (
        "issued",
        "DELETE FROM issued_vouchers WHERE position = (SELECT min(position) FROM issued_vouchers)",
    ),
    "a voucher's issue moved": ("issued", "UPDATE issued_vouchers SET position = position + 1"),
    "a run's line changed": (
        "lines",
        "UPDATE disbursement_lines SET payee_acct_no = '6222000000000000666' WHERE line_no = 2",
    ),
    "a run's line removed": ("lines", "DELETE FROM disbursement_lines WHERE line_no = 3"),
    "lines of no run": (
        "lines",
        ("INSERT INTO disbursement_lines SELECT ledger_id, 'R9', line_no, file_line, pay_detail_id,"
        " payee_acct_name, payee_acct_no, payee_acct_bank_name, payee_bank_no, pay_fen, iden_no,"
        " remark FROM disbursement_lines"),
    ),
    "a document removed": (
        "document",
        "DELETE FROM documents WHERE sm3 = (SELECT min(sm3) FROM documents)",
    ),
    "a document changed": ("document", "UPDATE documents SET body = '\\x00'"),
    "a document made up": (
        "unnamed",
        "INSERT INTO documents VALUES (4400000002026, decode(repeat('07', 32), 'hex'), '\\x00')",
    ),
    "a commit removed": (
        "chain",
        ("DELETE FROM commits WHERE position = (SELECT max(position) FROM commits"
        " WHERE ledger_id > 10000)"),
    ),
    "a commit's time": (
        "chain",
        "UPDATE commits SET recorded_at = 'infinity' WHERE ledger_id > 10000 AND position = 1",
    ),
    "a number removed": (
        "key",
        "DELETE FROM command_keys WHERE operation = 'payment.apply' AND number = 'P2'",
    ),
    "a number made up": (
        "key",
        ("INSERT INTO command_keys SELECT ledger_id, operation, 'P-NEW', fingerprint, stream_id,"
        " first_position, last_position FROM command_keys WHERE operation = 'payment.apply'"
        " AND number = 'P2'"),
    ),
    "a read model's row": (
        "projection",
        "UPDATE proj_payments SET pay_fen = 7 WHERE pay_app_no = 'P2'",
    ),
    "a budget row made up": (
        "projection",
        ("INSERT INTO proj_budget_rows VALUES (4400000002026, 1, 'R7', '101001', '', '1', '', '22',"
        " '2050202', '50201', '30201', '111', false, '', '', 0, 0, 7, 0, 0, 0, 3)"),
    ),
    "a budget row's movement made up": (
        "projection",
        ("INSERT INTO proj_budget_movements VALUES"
        " (4400000002026, 1, 'R7', 3, '2026-01-05', 'PF', '', 7, 0, 0, 0)"),
    ),
    "a certificate's key": (
        "certificate",
        "UPDATE certificates SET public_key = decode(repeat('07', 64), 'hex')",
    ),
    "a code that never ends": ("codes", "UPDATE code_sets SET end_date = 'infinity'"),
    "a code that ends behind all days": ("codes", "UPDATE code_sets SET end_date = '10000-01-01'"),
    "a code that has begun before all days": (
        "codes",
        "UPDATE code_sets SET start_date = '-infinity'",
    ),
    "a certificate from before all times": (
        "certificate",
        "UPDATE certificates SET not_before = '-infinity'",
    ),
    "a code added to a load": (
        "codes",
        ("INSERT INTO code_sets SELECT element, '999', '新', parent, is_leaf, is_enabled,"
        " is_standard, start_date, end_date, mof_div_code, fiscal_year, load_id FROM code_sets"),
    ),
    "a code of no load": (
        "codes",
        ("INSERT INTO code_sets SELECT element, '999', '新', parent, is_leaf, is_enabled,"
        " is_standard, start_date, end_date, mof_div_code, fiscal_year, 99 FROM code_sets"),
    ),
    "a migration forgotten": ("schema", "DELETE FROM schema_migrations WHERE version = 11"),
    "another migration": ("schema", "UPDATE schema_migrations SET sm3 = 'x' WHERE version = 1"),
    "a ledger's head removed": ("ledgers", "DELETE FROM ledgers WHERE ledger_id > 10000"),
    "rows of a ledger that nobody opened": (
        "ledgers",
        "INSERT INTO registers VALUES (1100000002026, 'indicator', 'B1', 5, '{1,0,0,0,0}')",
    ),
}  # fmt: skip

LOCKS: dict[str, str] = {
    "a trigger dropped": "DROP TRIGGER append_only ON events",
    "a trigger disabled": "ALTER TABLE command_keys DISABLE TRIGGER append_only",
    "all triggers disabled": "ALTER TABLE events DISABLE TRIGGER ALL",
    "a trigger for replicas alone": "ALTER TABLE events ENABLE REPLICA TRIGGER append_only",
    "a trigger replaced": (
        "CREATE OR REPLACE TRIGGER append_only BEFORE DELETE ON events"
        " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
    ),
    "a trigger made up": (
        "CREATE TRIGGER more BEFORE INSERT ON events"
        " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    "the function replaced": (
        "CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NEW; END $$"
    ),
    "a function beside it": "CREATE FUNCTION digest() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a right to rewrite": "GRANT UPDATE ON events TO guoku_app",
    "a right of everybody": "GRANT INSERT ON registers TO PUBLIC",
    "a right on one column": "GRANT UPDATE (payload) ON events TO guoku_app",
    "a right taken": "REVOKE INSERT ON command_keys FROM guoku_app",
    "another owner": "ALTER TABLE events OWNER TO guoku_app",
    "a column's type": "ALTER TABLE outbox ALTER attempts TYPE bigint",
    "a check dropped": "ALTER TABLE registers DROP CONSTRAINT registers_check",
    "a key dropped": "ALTER TABLE command_keys DROP CONSTRAINT command_keys_pkey",
    "an index dropped": "DROP INDEX outbox_due",
    "row security": "ALTER TABLE events ENABLE ROW LEVEL SECURITY",
    "a policy": "CREATE POLICY hide ON events USING (position <> 7)",
    "a policy that shows more": "ALTER POLICY callers ON province_payments USING (true)",
    "row security taken": "ALTER TABLE province_payments DISABLE ROW LEVEL SECURITY",
    "row security not of its owner": "ALTER TABLE province_payments NO FORCE ROW LEVEL SECURITY",
    "a setting that shows more": (
        "DO $$ BEGIN EXECUTE format('ALTER ROLE guoku_app IN DATABASE %I"
        " SET guoku.division = ''*''', current_database()); END $$"
    ),
    "a rule": "CREATE RULE none AS ON INSERT TO outbox DO INSTEAD NOTHING",
    "a child": "CREATE TABLE more () INHERITS (outbox)",
    "a view for a table": (
        "ALTER TABLE tokens RENAME TO hidden; CREATE VIEW tokens AS SELECT * FROM hidden"
    ),
    "a view changed": (
        "CREATE OR REPLACE VIEW division_ledgers AS SELECT * FROM ledgers WHERE"
        " ledger_id > 5000000000000"
    ),
    "a default that loads": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica',"
        " current_database()); END $$"
    ),
    "rights to come": "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO guoku_app",
}

-- Registers (登记簿): amounts that decisions rest on, by key, written with the events that move them.
-- A domain declares a register and its fields in the program; all of them lie here. The first
-- `floored` amounts of a row, in fen, may not fall below zero: the CHECK is the last line behind the
-- decision that was made before it. Amounts add up over accounts, so they are wider than bigint.
CREATE TABLE registers (
    ledger_id bigint NOT NULL,
    register  text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    floored   smallint NOT NULL,
    amounts   numeric[] NOT NULL CHECK (0 <= ALL (amounts[1:floored])),
    PRIMARY KEY (ledger_id, register, key)
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON registers TO guoku_app;

INSERT INTO registers (ledger_id, register, key, floored, amounts)
SELECT ledger_id, 'indicator', bgt_id, 5,
       ARRAY[available_fen, frozen_fen, occupied_fen, paid_fen, plan_fen]::numeric[]
FROM controlled_balances;
INSERT INTO registers (ledger_id, register, key, floored, amounts)
SELECT ledger_id, 'uncleared',
       '[' || concat_ws(',', to_json(pay_bank_code), to_json(effective_on), to_json(vt_code),
                        to_json(fund_type_code), to_json(sup_dep_code), to_json(exp_func_code),
                        to_json(gov_bgt_eco_code)) || ']',
       1, ARRAY[amount_fen]
FROM uncleared;
DROP TABLE controlled_balances, uncleared;

-- What holds for a ledger as a whole has a part for each who folds it from the ledger's events.
UPDATE ledgers SET settings = jsonb_build_object(
    'title', jsonb_build_object('name', settings -> 'name',
                                'mof_div_name', settings -> 'mof_div_name'),
    'periods', jsonb_build_object('closed_through', settings -> 'closed_through'),
    'signature_policy', jsonb_build_object('roles', settings -> 'roles',
                                           'pay_bank_code', settings -> 'pay_bank_code',
                                           'signing', settings -> 'signing'))
WHERE settings ? 'name';

-- Sums over accounts and spans, likewise: ten indicators of the largest amount are beyond bigint.
ALTER TABLE proj_account_totals ALTER debit_fen TYPE numeric, ALTER credit_fen TYPE numeric;
ALTER TABLE proj_account_spans ALTER debit_fen TYPE numeric, ALTER credit_fen TYPE numeric;

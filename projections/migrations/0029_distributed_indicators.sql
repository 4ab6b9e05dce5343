-- 待分配分配: the indicator that one is a part of.
ALTER TABLE proj_indicators ADD COLUMN distributed_from text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX ON proj_indicators (ledger_id, generation, distributed_from)
    WHERE distributed_from <> '';

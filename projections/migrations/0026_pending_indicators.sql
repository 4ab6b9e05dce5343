-- 待下达: what of an indicator may not be executed yet.
ALTER TABLE proj_indicators ADD COLUMN pending_fen bigint NOT NULL DEFAULT 0;

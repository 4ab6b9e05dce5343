-- 以前年度退回: what of a payment's refund_fen the next year's ledger has; nothing of this one moved.
ALTER TABLE proj_payments ADD COLUMN returned_fen bigint NOT NULL DEFAULT 0;

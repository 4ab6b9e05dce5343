-- The number of the bank's notice by which money came back; '' for refunds of former releases.

ALTER TABLE proj_refunds ADD COLUMN notice_no text NOT NULL DEFAULT '';

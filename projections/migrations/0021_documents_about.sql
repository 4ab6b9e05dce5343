-- The object that a document's act is about, kind/number; '' where it makes a new one.
ALTER TABLE proj_documents ADD COLUMN about text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX ON proj_documents (ledger_id, generation, about) WHERE state = 'submitted';

-- What reads of the past are added up from: sums over spans of positions (projections/spans.py).
-- They follow from the events like every read model. A moment's sum takes at most 15 spans of each
-- length and the events behind them, so it costs the same however long the history is.

-- 发生额 of each account, for each business day, by what was recorded within a span.
CREATE TABLE proj_account_spans (
    ledger_id    bigint NOT NULL,
    generation   integer NOT NULL,
    span_events  bigint NOT NULL,                -- how many positions the span holds
    span_end     bigint NOT NULL,                -- the last of them
    effective_on date NOT NULL,
    account      text COLLATE "C" NOT NULL,
    debit_fen    bigint NOT NULL,
    credit_fen   bigint NOT NULL,
    PRIMARY KEY (ledger_id, generation, span_events, span_end, effective_on, account)
) WITH (fillfactor = 80);

-- Changes of an indicator's balances, likewise; of the shortest spans only, since few are its own.
CREATE TABLE proj_indicator_spans (
    ledger_id     bigint NOT NULL,
    generation    integer NOT NULL,
    bgt_id        text COLLATE "C" NOT NULL,
    span_end      bigint NOT NULL,
    effective_on  date NOT NULL,
    available_fen bigint NOT NULL,
    frozen_fen    bigint NOT NULL,
    occupied_fen  bigint NOT NULL,
    paid_fen      bigint NOT NULL,
    plan_fen      bigint NOT NULL,
    PRIMARY KEY (ledger_id, generation, bgt_id, span_end, effective_on)
) WITH (fillfactor = 80);

GRANT SELECT, INSERT, UPDATE, DELETE ON proj_account_spans, proj_indicator_spans TO guoku_app;

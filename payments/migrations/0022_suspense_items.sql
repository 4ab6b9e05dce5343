-- Notices in suspense and the payment that each names, so that one that came before the payment's
-- receipt is found when this is there. A reading of the events, and no truth of its own.
CREATE TABLE suspense_items (
    ledger_id   bigint NOT NULL,
    suspense_no text COLLATE "C" NOT NULL,
    pay_app_no  text NOT NULL,                   -- '' where it names no payment of the ledger
    is_waiting  boolean NOT NULL,
    PRIMARY KEY (ledger_id, suspense_no)
);
CREATE INDEX ON suspense_items (ledger_id) WHERE is_waiting;

INSERT INTO suspense_items (ledger_id, suspense_no, pay_app_no, is_waiting)
SELECT h.ledger_id, said ->> 'suspense_no', coalesce(said ->> 'pay_app_no', ''), NOT EXISTS (
    SELECT FROM events r WHERE r.ledger_id = h.ledger_id AND r.stream_id = h.stream_id
        AND r.type = 'suspense.resolved')
FROM events h CROSS JOIN LATERAL (SELECT convert_from(h.payload, 'UTF8')::json) AS p (said)
WHERE h.type = 'suspense.held';

GRANT SELECT, INSERT, UPDATE ON suspense_items TO guoku_app;

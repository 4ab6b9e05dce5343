-- Which event issued a voucher: a reading of the events, and no truth of its own. It is read as far
-- as it is asked for (payments/issued.py), and can be emptied and read again.

CREATE TABLE issued_vouchers (
    ledger_id   bigint NOT NULL,
    pay_cert_no text NOT NULL,
    position    bigint NOT NULL,                 -- of the event that issued it
    PRIMARY KEY (ledger_id, pay_cert_no)
);
CREATE TABLE issued_positions (
    ledger_id bigint PRIMARY KEY,
    position  bigint NOT NULL DEFAULT 0
);

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON issued_vouchers, issued_positions TO guoku_app;

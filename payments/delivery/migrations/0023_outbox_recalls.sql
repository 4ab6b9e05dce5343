-- Recalls are on their way like vouchers, claims and requests to return money.

ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check
    CHECK (kind IN ('voucher', 'claim', 'refund', 'recall'));
COMMENT ON COLUMN outbox.number IS
    'pay_app_no of a voucher or a recall, voucher_no of a claim, refund_no of a request';

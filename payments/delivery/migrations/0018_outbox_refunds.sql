-- Requests to return money are on their way like vouchers and claims.

ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check
    CHECK (kind IN ('voucher', 'claim', 'refund'));
COMMENT ON COLUMN outbox.number IS
    'pay_app_no of a voucher, voucher_no of a claim, refund_no of a request';

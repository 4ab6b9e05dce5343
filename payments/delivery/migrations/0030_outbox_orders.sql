-- Orders to the central bank 拨款单 go by the outbox as well.

ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check
    CHECK (kind IN ('voucher', 'claim', 'refund', 'recall', 'order'));
COMMENT ON COLUMN outbox.number IS
    'pay_app_no of a voucher or a recall, voucher_no of a claim or an order, refund_no of a request';

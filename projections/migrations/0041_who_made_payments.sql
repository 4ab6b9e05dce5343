-- Lists of payments by who made and who checked them, by the day of the bank's receipt, by payee and
-- by voucher. The two numbers are what an official has at hand when he looks for one payment.
ALTER TABLE proj_payments
    ADD COLUMN made_by text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN checked_by text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN received_on date;
CREATE INDEX proj_payments_payee ON proj_payments
    (ledger_id, generation, payee_acct_no, effective_on, applied_position)
    WHERE payee_acct_no <> '';
CREATE INDEX proj_payments_voucher ON proj_payments (ledger_id, generation, pay_cert_no)
    WHERE pay_cert_no <> '';

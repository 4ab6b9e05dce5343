-- Read models grow by bulks, within seconds. Until somebody has analysed a table the planner thinks
-- it all but empty and reads all of it where a few rows are wanted; autovacuum comes by once a
-- minute. From Postgres 17 on the projector may do it itself; before, autovacuum has to.
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        GRANT MAINTAIN ON proj_positions, proj_indicators, proj_payments, proj_refunds,
            proj_journals, proj_account_totals, proj_refusals, proj_account_spans,
            proj_indicator_spans TO guoku_app;
    END IF;
END $$;

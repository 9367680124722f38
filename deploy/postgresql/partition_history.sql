-- Cuts the history into 16 partitions by hash of the case number. Stop all processes first; it copies every row.
-- psql --single-transaction -v ON_ERROR_STOP=1 -f deploy/postgresql/partition_history.sql gongdan
ALTER TABLE history RENAME TO history_whole;
ALTER TABLE history_whole RENAME CONSTRAINT history_pkey TO history_whole_pkey;
CREATE TABLE history (LIKE history_whole INCLUDING DEFAULTS, PRIMARY KEY (case_id, seq)) PARTITION BY HASH (case_id);
DO $$
DECLARE part text;
BEGIN
    FOR number IN 0..15 LOOP
        part := format('history_%s', number);
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF history FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, number);
        EXECUTE format(
            'CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()', part);
    END LOOP;
END $$;
INSERT INTO history SELECT * FROM history_whole;
CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only();
DROP TRIGGER history_append_only ON history_whole;
DROP TABLE history_whole;

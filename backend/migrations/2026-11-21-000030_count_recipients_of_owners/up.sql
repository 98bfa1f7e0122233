-- How many recipients an owner keeps: every page of the list says it, and counting a hundred thousand takes longer than
-- all else on that page.
CREATE TABLE recipient_totals (
    owner_id   BIGINT  PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    recipients INTEGER NOT NULL CHECK (recipients >= 0)
) WITH (fillfactor = 50);

-- Follows what has really been added and removed, whoever does it, in the same transaction. The row is locked last of all,
-- at the end of the statement, and owners in one order.
CREATE FUNCTION count_recipients() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO recipient_totals AS known (owner_id, recipients)
        SELECT owner_id, count(*) FROM changed GROUP BY owner_id ORDER BY owner_id
        ON CONFLICT (owner_id) DO UPDATE SET recipients = known.recipients + excluded.recipients;
    ELSE
        -- Locked before they are changed, in that order; of an owner who has gone there is nothing left to count.
        PERFORM FROM recipient_totals WHERE owner_id IN (SELECT owner_id FROM changed) ORDER BY owner_id FOR NO KEY UPDATE;
        UPDATE recipient_totals AS known SET recipients = known.recipients - gone.n
        FROM (SELECT owner_id, count(*) AS n FROM changed GROUP BY owner_id) AS gone
        WHERE gone.owner_id = known.owner_id;
    END IF;
    RETURN NULL;
END $$;

-- From here on nobody is added or removed before this transaction ends: each is counted below or by the trigger.
CREATE TRIGGER recipients_added AFTER INSERT ON recipients
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_recipients();

CREATE TRIGGER recipients_removed AFTER DELETE ON recipients
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_recipients();

INSERT INTO recipient_totals (owner_id, recipients) SELECT owner_id, count(*) FROM recipients GROUP BY owner_id;

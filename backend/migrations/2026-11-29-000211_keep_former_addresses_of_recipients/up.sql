-- A delivery keeps the address that its recipient had when the run was prepared. When an address is suppressed, the recipients
-- who had it before are found here: an index on the address of every delivery would slow down the preparation of every run.
CREATE TABLE former_addresses (
    recipient_id BIGINT      NOT NULL REFERENCES recipients ON DELETE CASCADE,
    email        TEXT        NOT NULL,
    owner_id     BIGINT      NOT NULL,
    replaced_at  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (recipient_id, email)
);

CREATE INDEX former_addresses_owner_email ON former_addresses (owner_id, lower(email));
CREATE INDEX former_addresses_replaced ON former_addresses (replaced_at);

-- A trigger, so that no way of changing an address can leave it out.
CREATE FUNCTION keep_former_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO former_addresses (recipient_id, email, owner_id) VALUES (OLD.id, OLD.email, OLD.owner_id)
    ON CONFLICT (recipient_id, email) DO UPDATE SET replaced_at = excluded.replaced_at;
    RETURN NULL;
END $$;

CREATE TRIGGER recipients_keep_former_address AFTER UPDATE OF email ON recipients
    FOR EACH ROW WHEN (lower(OLD.email) <> lower(NEW.email)) EXECUTE FUNCTION keep_former_address();

-- Addresses that were changed before, as far as a run under way still holds them.
INSERT INTO former_addresses (recipient_id, email, owner_id)
SELECT recipients.id, deliveries.email, recipients.owner_id
FROM runs JOIN deliveries ON run_id = runs.id JOIN recipients ON recipients.id = recipient_id
WHERE runs.status = 'running' AND lower(deliveries.email) <> lower(recipients.email)
ON CONFLICT DO NOTHING;

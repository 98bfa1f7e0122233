-- Mail servers that users bring. What is sealed can be read with the installation's secret only, and in its own row only.
CREATE TABLE smtp_servers (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id        BIGINT      NOT NULL REFERENCES users ON DELETE CASCADE,
    name            TEXT        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    host            TEXT        NOT NULL CHECK (length(host) BETWEEN 1 AND 253),
    port            INTEGER     NOT NULL CHECK (port BETWEEN 1 AND 65535),
    tls             TEXT        NOT NULL CHECK (tls IN ('none', 'starttls', 'implicit')),
    username        TEXT        CHECK (length(username) BETWEEN 1 AND 255),
    password        BYTEA,
    from_email      TEXT        NOT NULL CHECK (length(from_email) <= 254),
    from_name       TEXT        CHECK (length(from_name) BETWEEN 1 AND 200),
    -- Mails that it may be given; 0 is no limit.
    rate_per_second INTEGER     NOT NULL CHECK (rate_per_second >= 0),
    rate_per_hour   INTEGER     NOT NULL CHECK (rate_per_hour >= 0),
    sessions        INTEGER     NOT NULL CHECK (sessions BETWEEN 1 AND 16),
    dkim_domain     TEXT,
    dkim_selector   TEXT,
    dkim_key        BYTEA,
    -- Goes up with every change: by it the engine sees that what it knows is out of date.
    revision        INTEGER     NOT NULL DEFAULT 1,
    checked_at      TIMESTAMPTZ,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL,
    CHECK ((dkim_domain IS NULL) = (dkim_selector IS NULL) AND (dkim_domain IS NULL) = (dkim_key IS NULL))
);

CREATE INDEX smtp_servers_owner_created ON smtp_servers (owner_id, created_at, id);

-- The blog. An article's pictures are drawn anew by us; a picture's name is random and never used for another one, so it
-- may be cached for ever.
CREATE TABLE images (
    name       TEXT PRIMARY KEY,
    image      BYTEA       NOT NULL CHECK (length(image) <= 8388608),
    created_at TIMESTAMPTZ NOT NULL
);

-- Room on every page: counting a view stays within it (HOT).
CREATE TABLE articles (
    id                 BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Never only digits: those are an id.
    slug               TEXT        NOT NULL UNIQUE CHECK (length(slug) BETWEEN 1 AND 100 AND slug ~ '[^0-9]'),
    title              TEXT        NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    html               TEXT        NOT NULL CHECK (octet_length(html) <= 524288),
    -- What the author wrote to introduce it, and what is shown where that is NULL: how the text begins.
    excerpt            TEXT        CHECK (length(excerpt) <= 500),
    beginning          TEXT        NOT NULL CHECK (length(beginning) <= 250),
    image              TEXT        REFERENCES images,
    views              BIGINT      NOT NULL DEFAULT 0 CHECK (views >= 0),
    is_published       BOOLEAN     NOT NULL DEFAULT FALSE,
    -- Readers see it from then on, if it is published.
    published_at       TIMESTAMPTZ,
    -- From then on its address stays as it is.
    first_published_at TIMESTAMPTZ,
    author_id          BIGINT      REFERENCES users ON DELETE SET NULL,
    created_at         TIMESTAMPTZ NOT NULL,
    updated_at         TIMESTAMPTZ NOT NULL,
    CHECK (NOT is_published OR (published_at IS NOT NULL AND first_published_at IS NOT NULL))
) WITH (fillfactor = 80);

CREATE INDEX articles_published ON articles (published_at, id) WHERE is_published;

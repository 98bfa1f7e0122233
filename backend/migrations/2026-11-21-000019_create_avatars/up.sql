-- Pictures of users, drawn anew by us. A picture's name is random and never used for another one, so it may be cached for ever.
CREATE TABLE avatars (
    name    TEXT PRIMARY KEY,
    user_id BIGINT NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE,
    image   BYTEA  NOT NULL CHECK (length(image) <= 1048576)
);

-- The picture's name, beside everything else that is shown of a user.
ALTER TABLE users ADD COLUMN avatar TEXT;

-- The list of users that staff sees, in each of its orders and for each of its filters. By address they are found and
-- ordered through the unique index.
CREATE INDEX users_created ON users (created_at, id);
CREATE INDEX users_name ON users (lower(full_name), id);
CREATE INDEX users_role_created ON users (role, created_at, id);
CREATE INDEX users_blocked ON users (created_at, id) WHERE blocked_at IS NOT NULL;

DROP INDEX users_blocked;
DROP INDEX users_role_created;
DROP INDEX users_name;
DROP INDEX users_created;

//! Users in the database.

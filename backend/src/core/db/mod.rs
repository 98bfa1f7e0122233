//! The database: the connection pool, the generated schema and the embedded migrations.

pub mod functions;
mod migrations;
pub mod owned;
mod pool;
pub mod prepared;
#[rustfmt::skip]
pub mod purge;
pub mod schema;
pub mod settings;

pub use migrations::{
    Differences, MigrationStep, differences, migrate, migrate_with_progress, pending, revert_all,
};
pub use pool::{Db, Unavailable};

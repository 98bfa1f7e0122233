//! The database: the pool and its one door `Db::run`, the generated schema and the embedded migrations.

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
    Differences, Step, differences, migrate, migrate_telling, pending, revert_all,
};
pub use pool::{Db, Unavailable};

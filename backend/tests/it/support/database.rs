//! A database for each test, copied from a migrated template in under 100 ms and dropped afterwards.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

static TEMPLATE: OnceLock<String> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A migrated, empty database; gone when this is dropped.
pub(crate) struct Database {
    name: String,
    pub(crate) url: String,
}

impl Database {
    pub(crate) fn create() -> Self {
        let template = TEMPLATE.get_or_init(create_template);
        Self::create_from(template)
    }

    /// One without any table.
    pub(crate) fn empty() -> Self {
        Self::create_from("template0")
    }

    /// Makes it an empty one, whatever was in it, under the same address.
    pub(crate) fn empty_out(&self) {
        maintain(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        maintain(&format!("CREATE DATABASE {} TEMPLATE template0", self.name));
    }

    fn create_from(template: &str) -> Self {
        let name = format!(
            "test_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        maintain(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Self {
            url: url_of(&name),
            name,
        }
    }

    pub(crate) fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url).expect("the test's database answers")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        maintain(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn create_template() -> String {
    let name = format!("template_{}", std::process::id());
    maintain(&format!("CREATE DATABASE {name}"));
    dispatch::core::db::migrate(&url_of(&name)).expect("the migrations apply");
    name
}

fn maintain(sql: &str) {
    let mut conn =
        PgConnection::establish(&server_url()).expect("PostgreSQL answers at DATABASE_URL");
    conn.batch_execute(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn url_of(name: &str) -> String {
    let server = server_url();
    let (base, _) = server
        .rsplit_once('/')
        .expect("DATABASE_URL names a database");
    format!("{base}/{name}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests are told where PostgreSQL is by their environment"
)]
fn server_url() -> String {
    std::env::var("DATABASE_URL")
        .expect("DATABASE_URL names a PostgreSQL server for tests; `make test` brings one")
}

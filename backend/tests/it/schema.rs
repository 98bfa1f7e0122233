//! The migrations and what the code believes of the tables.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::Text;
use dispatch::core::db;

use crate::support::app::TestApp;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

/// `table.column` of every column, with its type and whether it may be NULL, as `schema.rs` writes them.
fn columns_of_the_database(app: &TestApp) -> BTreeSet<String> {
    let columns: Vec<Column> = diesel::sql_query(
        "SELECT table_name || '.' || column_name || ' ' ||
                CASE WHEN is_nullable = 'YES' THEN 'Nullable<' || kind || '>' ELSE kind END AS name
         FROM information_schema.columns,
              LATERAL (SELECT CASE udt_name WHEN 'int8' THEN 'Int8' WHEN 'int4' THEN 'Int4' WHEN 'int2' THEN 'Int2'
                       WHEN 'text' THEN 'Text' WHEN 'bytea' THEN 'Bytea' WHEN 'timestamptz' THEN 'Timestamptz' WHEN 'float8' THEN 'Float8'
                       WHEN 'bool' THEN 'Bool' WHEN 'timestamp' THEN 'Timestamp'
                       ELSE udt_name END AS kind) AS kinds
         WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations'
           AND table_name NOT IN (SELECT viewname FROM pg_views)",
    )
    .load(&mut app.sql())
    .unwrap();
    columns.into_iter().map(|column| column.name).collect()
}

fn columns_of_the_code() -> BTreeSet<String> {
    let mut table = "";
    let mut found = BTreeSet::new();
    for line in include_str!("../../src/core/db/schema.rs")
        .lines()
        .map(str::trim)
    {
        if let Some((name, _)) = line
            .strip_suffix('{')
            .and_then(|line| line.split_once(" ("))
        {
            table = name;
        } else if let Some((column, kind)) = line
            .strip_suffix(',')
            .and_then(|line| line.split_once(" -> "))
        {
            found.insert(format!("{table}.{column} {kind}"));
        }
    }
    found
}

#[test]
fn the_schema_in_the_code_matches_the_migrations() {
    let app = TestApp::start();
    assert_eq!(
        columns_of_the_code(),
        columns_of_the_database(&app),
        "run `make generate`"
    );
}

#[test]
fn migrations_can_be_reverted_and_applied_again() {
    let app = TestApp::start();
    let before = columns_of_the_database(&app);
    db::revert_all(&mut app.sql()).unwrap();
    assert_eq!(columns_of_the_database(&app), BTreeSet::new());
    db::migrate(&app.services.config.database.url).unwrap();
    assert_eq!(columns_of_the_database(&app), before);
}

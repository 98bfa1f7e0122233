//! The tables of a database, described piece by piece: every column, constraint, index, view, function and trigger.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};

/// A piece of the schema, such as `column users.email`, and how it is defined.
pub(crate) type Tables = BTreeMap<String, String>;

#[derive(QueryableByName)]
struct Piece {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

/// NOT NULL stands with the column: PostgreSQL 18 keeps it as a constraint, too.
const PIECES: &str = "
    WITH ours AS (SELECT oid, relname, relkind, reloptions FROM pg_class
                  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
                    AND relname <> '__diesel_schema_migrations')
    SELECT 'table ' || relname AS name, coalesce(array_to_string(reloptions, ', '), '') AS definition
    FROM ours WHERE relkind = 'r'
    UNION ALL
    SELECT 'view ' || relname, pg_get_viewdef(oid) FROM ours WHERE relkind = 'v'
    UNION ALL
    SELECT 'column ' || relname || '.' || attname,
           format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
           || CASE WHEN attidentity <> '' THEN ' IDENTITY' ELSE '' END || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
    FROM pg_attribute JOIN ours ON ours.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'constraint ' || relname || '.' || conname, pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint JOIN ours ON ours.oid = conrelid WHERE contype <> 'n'
    UNION ALL
    SELECT 'index ' || relname || '.' || indexrelid::regclass, pg_get_indexdef(indexrelid)
    FROM pg_index JOIN ours ON ours.oid = indrelid
    UNION ALL
    SELECT 'function ' || proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'trigger ' || relname || '.' || tgname, pg_get_triggerdef(pg_trigger.oid)
    FROM pg_trigger JOIN ours ON ours.oid = tgrelid WHERE NOT tgisinternal";

/// All there is, but for what the migrations themselves are counted in.
pub(crate) fn tables(conn: &mut PgConnection) -> Tables {
    let pieces: Vec<Piece> = diesel::sql_query(PIECES).load(conn).expect("the schema");
    pieces
        .into_iter()
        .map(|piece| (piece.name, piece.definition))
        .collect()
}

/// The pieces that one has and the other has not, or otherwise. Brackets do not count: PostgreSQL writes down a condition
/// that it has read from itself with fewer of them.
pub(crate) fn differing<'a>(one: &'a Tables, other: &'a Tables) -> Vec<&'a str> {
    let bare = |piece: &str, tables: &Tables| {
        let definition = tables.get(piece);
        definition.map(|text| text.replace(['(', ')'], ""))
    };
    let pieces: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let differing = pieces
        .into_iter()
        .filter(|piece| bare(piece, one) != bare(piece, other));
    differing.map(String::as_str).collect()
}

/// The migrations, to be applied and taken back one by one.
pub(crate) fn migrations() -> FileBasedMigrations {
    FileBasedMigrations::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))
        .expect("the folder of migrations")
}

/// Applies the next one and gives its version.
pub(crate) fn apply_next(conn: &mut PgConnection) -> String {
    let version = conn.run_next_migration(migrations());
    version.expect("the migration applies").to_string()
}

/// Takes the last one back and gives its version.
pub(crate) fn take_back_last(conn: &mut PgConnection) -> String {
    let version = conn.revert_last_migration(migrations());
    version.expect("the migration is taken back").to_string()
}

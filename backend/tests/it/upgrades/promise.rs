//! What a migration may not do, because processes of the release before are still at work on the tables: take away or
//! change what they read, or ask for more than they write.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;

use crate::support::app::TestApp;
use crate::support::tables::{Tables, tables};

/// What of that the step from one state of the tables to the next does, in words.
pub(super) fn broken_by(before: &Tables, after: &Tables) -> Vec<String> {
    let lost = before
        .iter()
        .filter_map(|(piece, old)| lost(piece, old, after));
    let asked = after
        .iter()
        .filter(|(piece, _)| !before.contains_key(*piece))
        .filter_map(|(piece, new)| asked_for(piece, new, before, after));
    lost.chain(asked).collect()
}

/// What a process of the release before misses.
fn lost(piece: &str, old: &str, after: &Tables) -> Option<String> {
    let (kind, _) = piece.split_once(' ')?;
    let Some(new) = after.get(piece) else {
        let is_missed = match kind {
            "table" | "column" | "view" => true,
            // `ON CONFLICT` names its columns: without it, or another like it, the statement fails.
            "index" => is_unique(old) && !after.values().any(|new| covers(new) == covers(old)),
            _ => false,
        };
        return is_missed.then(|| format!("{piece} is gone"));
    };
    match kind {
        "column" => changed_column(piece, old, new),
        "constraint" => (!words(new).is_superset(&words(old)))
            .then(|| format!("{piece} allows less than before: {new}")),
        _ => None,
    }
}

fn changed_column(piece: &str, old: &str, new: &str) -> Option<String> {
    let kind = |column: &str| {
        let rest = column
            .split_once(" DEFAULT ")
            .map_or(column, |(kind, _)| kind);
        rest.replace(" NOT NULL", "")
    };
    let is_null = |column: &str| !column.contains(" NOT NULL");
    if kind(old) != kind(new) {
        Some(format!("{piece} was {old} and is {new}"))
    } else if (needs_value(new) && !needs_value(old)) || (is_null(old) && !is_null(new)) {
        Some(format!("{piece} has to be given now"))
    } else {
        None
    }
}

/// What a process of the release before does not know that it has to give or to keep to.
fn asked_for(piece: &str, new: &str, before: &Tables, after: &Tables) -> Option<String> {
    let (kind, name) = piece.split_once(' ')?;
    let (table, own) = name.split_once('.')?;
    if !before.contains_key(&format!("table {table}")) {
        return None;
    }
    let binds = match kind {
        "column" => return needs_value(new).then(|| format!("{piece} has to be given: {new}")),
        "constraint" => true,
        "index" => is_unique(new),
        _ => false,
    };
    // What is said of new columns holds for rows in which they have their defaults, or could not have been added.
    let is_of_new_columns = after.keys().any(|other| {
        let column = other.strip_prefix(&format!("column {table}."));
        column.is_some_and(|column| !before.contains_key(other) && new.contains(column))
    });
    (binds && !is_of_new_columns).then(|| format!("{table} has to keep to {own}: {new}"))
}

fn needs_value(column: &str) -> bool {
    column.contains(" NOT NULL") && !column.contains(" DEFAULT ") && !column.contains(" IDENTITY")
}

fn is_unique(index: &str) -> bool {
    index.starts_with("CREATE UNIQUE INDEX")
}

/// An index without its name.
fn covers(index: &str) -> Option<(bool, &str)> {
    let (_, on) = index.split_once(" ON ")?;
    Some((is_unique(index), on))
}

/// What stands in quotes: the values that a check allows.
fn words(check: &str) -> BTreeSet<&str> {
    check.split('\'').skip(1).step_by(2).collect()
}

/// A step, and what is to be said of it.
const FORBIDDEN: &[[&str; 2]] = &[
    ["DROP TABLE images CASCADE", "table images is gone"],
    [
        "ALTER TABLE users DROP COLUMN phone",
        "column users.phone is gone",
    ],
    [
        "ALTER TABLE users RENAME phone TO telephone",
        "column users.phone is gone",
    ],
    ["ALTER TABLE users RENAME TO people", "table users is gone"],
    ["DROP VIEW run_holds", "view run_holds is gone"],
    [
        "DROP INDEX recipients_owner_email_key",
        "index recipients.recipients_owner_email_key is gone",
    ],
    [
        "ALTER TABLE deliveries ALTER attempts TYPE INTEGER",
        "column deliveries.attempts was smallint NOT NULL DEFAULT 0 and is integer NOT NULL DEFAULT 0",
    ],
    [
        "ALTER TABLE users ALTER full_name DROP DEFAULT",
        "column users.full_name has to be given now",
    ],
    [
        "ALTER TABLE users ALTER phone SET NOT NULL",
        "column users.phone has to be given now",
    ],
    [
        "ALTER TABLE users ADD COLUMN colour TEXT NOT NULL",
        "column users.colour has to be given: text NOT NULL",
    ],
    [
        "ALTER TABLE users DROP CONSTRAINT users_language_check,
         ADD CONSTRAINT users_language_check CHECK (language IN ('en'))",
        "constraint users.users_language_check allows less than before: CHECK ((language = 'en'::text))",
    ],
    [
        "ALTER TABLE users ADD CONSTRAINT users_named CHECK (full_name <> '')",
        "users has to keep to users_named: CHECK ((full_name <> ''::text))",
    ],
    [
        "CREATE UNIQUE INDEX users_one_name ON users (full_name)",
        "users has to keep to users_one_name: CREATE UNIQUE INDEX users_one_name ON public.users USING btree (full_name)",
    ],
];

#[test]
fn whatever_would_stop_the_release_before_is_noticed() {
    let app = TestApp::start();
    let mut conn = app.sql();
    let before = tables(&mut conn);
    for [step, told] in FORBIDDEN {
        conn.batch_execute(&format!("BEGIN; {step}")).expect(step);
        let found = broken_by(&before, &tables(&mut conn));
        conn.batch_execute("ROLLBACK").expect("the step back");
        assert!(found.iter().any(|fault| fault == told), "{step}: {found:?}");
    }
}

#[test]
fn what_only_adds_stops_nobody() {
    let app = TestApp::start();
    let mut conn = app.sql();
    let before = tables(&mut conn);
    conn.batch_execute(
        "CREATE TABLE colours (name TEXT NOT NULL PRIMARY KEY);
         ALTER TABLE users ADD COLUMN colour TEXT REFERENCES colours, ADD COLUMN shade INTEGER NOT NULL DEFAULT 0,
             ADD CONSTRAINT users_shade CHECK (shade >= 0),
             DROP CONSTRAINT users_language_check,
             ADD CONSTRAINT users_language_check CHECK (language IN ('en', 'ru', 'de'));
         CREATE INDEX users_phone ON users (phone);
         DROP INDEX users_name;
         ALTER TABLE users ALTER full_name DROP NOT NULL;",
    )
    .expect("the step");
    assert_eq!(broken_by(&before, &tables(&mut conn)), [""; 0]);
}

//! Checks the database: version, encoding, locale, privileges and migrations.

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Integer, Text};

use super::findings::{Findings, without_password};
use super::session;
use crate::config::Config;
use crate::core::db;
use crate::engine::normalization::leftovers;

/// The oldest version that is tested.
const MIN_VERSION: i32 = 150_000;

#[derive(QueryableByName)]
struct DatabaseServerRow {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Text)]
    zone: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
}

const SERVER: &str = "
    SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
           pg_encoding_to_char(encoding)::text AS encoding, current_setting('TimeZone') AS zone,
           current_database()::text AS name, current_user::text AS role
    FROM pg_database WHERE datname = current_database()";

#[derive(QueryableByName)]
struct LocaleRow {
    #[diesel(sql_type = Bool)]
    lowered: bool,
}

#[derive(QueryableByName)]
struct PrivilegesRow {
    #[diesel(sql_type = Bool)]
    create: bool,
    #[diesel(sql_type = Array<Text>)]
    forbidden: Vec<String>,
}

const RIGHTS: &str = "
    SELECT has_schema_privilege('public', 'CREATE') AS create,
           ARRAY(SELECT relname::text FROM pg_class
                 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname NOT LIKE '\\_\\_%' AND NOT (
                     has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
                     AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')) ORDER BY 1) AS forbidden";

pub(super) fn examine(config: &Config, findings: &Findings) {
    let url = &config.database.url;
    let mut conn = match PgConnection::establish(url) {
        Ok(conn) => conn,
        Err(error) => {
            let error = without_password(&error.to_string(), url);
            let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
            return findings.fail(
                "database",
                format!("cannot connect: {error}"),
                "is it running, and are host, port, user, password and name in DATABASE_URL correct?",
            );
        }
    };
    let conn = &mut conn;
    report(server(conn, findings), findings);
    report(rights(conn, findings), findings);
    migrations(conn, findings);
    report(session::examine(config, conn, findings), findings);
}

fn report(checked: QueryResult<()>, findings: &Findings) {
    if let Err(error) = checked {
        findings.fail(
            "database",
            format!("query failed: {error}"),
            "the user in DATABASE_URL should own the database",
        );
    }
}

fn server(conn: &mut PgConnection, findings: &Findings) -> QueryResult<()> {
    let server: DatabaseServerRow = diesel::sql_query(SERVER).get_result(conn)?;
    let message = format!(
        "PostgreSQL {}, database {} as {}, {}, time zone {}",
        server.version, server.name, server.role, server.encoding, server.zone
    );
    if server.number < MIN_VERSION {
        findings.fail(
            "database",
            message,
            "PostgreSQL 15 or newer is required, 18 is recommended",
        );
        return Ok(());
    }
    if server.encoding != "UTF8" {
        findings.fail(
            "database",
            message,
            format!(
                "it cannot store all names: recreate it with CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0",
                server.name
            ),
        );
        return Ok(());
    }
    let locale: LocaleRow =
        diesel::sql_query("SELECT lower('ЁÉ') = 'ёé' AS lowered").get_result(conn)?;
    if locale.lowered {
        findings.ok("database", message);
    } else {
        findings.warn(
            "database",
            format!("{message}; its locale supports only English letters"),
            "case-insensitive search works only for English letters: recreate it with LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' (PostgreSQL 17 or newer) or LC_CTYPE 'C.UTF-8'",
        );
    }
    Ok(())
}

fn rights(conn: &mut PgConnection, findings: &Findings) -> QueryResult<()> {
    let rights: PrivilegesRow = diesel::sql_query(RIGHTS).get_result(conn)?;
    match (rights.forbidden.as_slice(), rights.create) {
        ([], true) => findings.ok("rights", "tables can be read, written and created"),
        ([], false) => findings.warn(
            "rights",
            "tables can be read and written, not created",
            "run `dispatch migrate` as the owner of the database, or GRANT CREATE ON SCHEMA public",
        ),
        (tables, _) => findings.fail(
            "rights",
            format!("{} cannot be read and written: {}", count(tables), some(tables)),
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, or ALTER DATABASE … OWNER TO the user in DATABASE_URL",
        ),
    }
    Ok(())
}

fn migrations(conn: &mut PgConnection, findings: &Findings) {
    match db::differences(conn) {
        Err(error) => findings.fail(
            "migrations",
            error.to_string(),
            "the user in DATABASE_URL should own the database",
        ),
        Ok(differences) if !differences.pending.is_empty() => findings.fail(
            "migrations",
            format!(
                "{} pending: {}",
                differences.pending.len(),
                some(&differences.pending)
            ),
            "run `dispatch migrate`",
        ),
        Ok(differences) if !differences.unknown.is_empty() => findings.warn(
            "migrations",
            format!("applied by a newer release: {}", some(&differences.unknown)),
            "expected during an upgrade; otherwise run the newer release here too",
        ),
        Ok(_) => {
            findings.ok("migrations", "all applied");
            report(addresses(conn, findings), findings);
        }
    }
}

/// Reports addresses that need manual attention, if any.
fn addresses(conn: &mut PgConnection, findings: &Findings) -> QueryResult<()> {
    let left = leftovers::find(conn)?;
    if !left.is_empty() {
        findings.warn(
            "addresses",
            left.to_string(),
            "run `dispatch migrate`; an administrator has to resolve what is still reported then",
        );
    }
    Ok(())
}

fn count(tables: &[String]) -> String {
    match tables.len() {
        1 => "1 table".to_owned(),
        many => format!("{many} tables"),
    }
}

/// The first few of them.
fn some(names: &[String]) -> String {
    const MAX_NAMES: usize = 3;
    let first: Vec<_> = names.iter().take(MAX_NAMES).map(String::as_str).collect();
    let more = if names.len() > MAX_NAMES { ", …" } else { "" };
    format!("{}{more}", first.join(", "))
}

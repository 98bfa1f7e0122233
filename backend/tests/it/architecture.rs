//! The directions in which the parts may know each other, read from the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// The crates that know nothing of the program.
const LEAVES: [&str; 2] = ["crates/mime", "crates/smtp"];

/// All sources of the program with their path below `src`, and those of its crates with their path below `backend`.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(&root.join("src"), &mut found);
    for leaf in LEAVES {
        collect(&root.join(leaf).join("src"), &mut found);
    }
    let relative = |path: &Path| {
        let path = path.strip_prefix(root).unwrap();
        let path = path.strip_prefix("src").unwrap_or(path);
        path.to_str().unwrap().to_owned()
    };
    found
        .iter()
        .map(|path| (relative(path), fs::read_to_string(path).unwrap()))
        .collect()
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, into),
            false if path.extension().is_some_and(|kind| kind == "rs") => into.push(path),
            false => {}
        }
    }
}

/// The code of a file before its unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

/// Fails for every file that is `concerned` and mentions one of the `forbidden`.
fn assert_none(concerned: impl Fn(&str) -> bool, forbidden: &[&str]) {
    let sources = sources();
    let concerned: Vec<_> = sources.iter().filter(|(path, _)| concerned(path)).collect();
    assert!(!concerned.is_empty(), "the rule is about nothing");
    let broken: Vec<String> = concerned
        .into_iter()
        .flat_map(|(path, text)| {
            let mentioned = forbidden.iter().filter(|word| code(text).contains(**word));
            mentioned.map(move |word| format!("{path} knows {word}"))
        })
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

fn named(file: &'static str) -> impl Fn(&str) -> bool {
    move |path| path.ends_with(&format!("/{file}"))
}

fn below(folder: &'static str) -> impl Fn(&str) -> bool {
    move |path| path.starts_with(&format!("{folder}/"))
}

#[test]
fn handlers_write_no_sql_and_send_no_mail() {
    assert_none(
        named("api.rs"),
        &[
            "sql_query",
            "diesel::insert_into",
            "diesel::update",
            "diesel::delete",
            "db::schema",
            "smtp::session",
        ],
    );
}

#[test]
fn stores_know_no_request_no_mail_and_no_clock() {
    assert_none(
        named("store.rs"),
        &[
            "actix_web",
            "utoipa",
            "lettre",
            "smtp::session",
            "crate::core::clock",
            "web::error",
        ],
    );
}

#[test]
fn pure_rules_know_no_connection_no_request_and_no_clock() {
    let pure = [
        "delivery/mailings/recurrence.rs",
        "delivery/mailings/catch_up.rs",
        "delivery/mailings/status.rs",
        "accounts/identity/role.rs",
        "engine/retry.rs",
        "crates/smtp/src/reply.rs",
        "crates/smtp/src/disposition.rs",
        "crates/smtp/src/disposition/address.rs",
        "crates/mime/src/render.rs",
        "delivery/runs/refusals.rs",
    ];
    assert_none(
        |path| pure.contains(&path),
        &[
            "diesel",
            "PgConnection",
            "actix_web",
            "crate::core::clock",
            "tokio",
            "crate::core::db",
        ],
    );
}

#[test]
fn the_engine_knows_no_http_and_no_handler() {
    assert_none(below("engine"), &["crate::web", "::api"]);
}

#[test]
fn the_leaf_crates_know_no_database_no_http_no_settings_and_no_metrics() {
    let foreign = [
        "diesel",
        "actix",
        "deadpool",
        "clap",
        "dotenvy",
        "prometheus",
    ];
    assert_none(below("crates"), &foreign);
    for leaf in LEAVES {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(leaf)
            .join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
        for name in foreign.iter().chain(&["dispatch", "path ="]) {
            assert!(!dependencies.contains(name), "{leaf} depends on {name}");
        }
    }
}

#[test]
fn what_the_handlers_share_knows_no_slice() {
    let slices = [
        "accounts", "audience", "content", "delivery", "site", "engine",
    ];
    let words: Vec<String> = slices
        .iter()
        .map(|slice| format!("crate::{slice}"))
        .collect();
    assert_none(
        below("web"),
        &words.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

#[test]
fn files_are_short_enough_to_be_held_in_mind_and_say_what_they_are_for() {
    let sources = sources();
    let long: Vec<_> = sources
        .iter()
        .filter(|(path, text)| text.lines().count() > 300 && path != "core/db/schema.rs")
        .map(|(path, _)| path)
        .collect();
    assert!(long.is_empty(), "over 300 lines: {long:?}");
    let silent: Vec<_> = sources
        .iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert!(
        silent.is_empty(),
        "no first line that says what it is for: {silent:?}"
    );
}

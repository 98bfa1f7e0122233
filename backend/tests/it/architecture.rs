//! The directions of imports and the shape of the sources, read from the sources.

mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use self::sources::{Source, circles, leaf_sources, sources};

/// Groups of modules; each imports only those before it. `app` and `config` compose the program and belong to `cli`.
const GROUPS: [&str; 9] = [
    "core", "web", "accounts", "audience", "content", "delivery", "site", "engine", "cli",
];
/// What a statement of SQL is written with.
const SQL: [&str; 5] = [
    "sql_query",
    "insert_into",
    "diesel::update",
    "diesel::delete",
    "::table",
];
/// What a handler and its answer are made of.
const HTTP: [&str; 3] = ["actix_web", "utoipa::path", "web::error"];

fn group(module: &str) -> &str {
    match module {
        "app" | "config" => "cli",
        group => group,
    }
}

/// The module that a path belongs to: the slice of a group, or the group if it has no slices.
fn slice<'a>(path: &[&'a str], slices: &BTreeSet<String>) -> String {
    let two = path.iter().take(2).copied().collect::<Vec<&'a str>>();
    let two = two.join("::");
    if slices.contains(&two) {
        return two;
    }
    path.first().copied().unwrap_or_default().to_owned()
}

/// Fails if one of the sources mentions a word.
fn assert_none<'a>(concerned: impl Iterator<Item = &'a Source>, forbidden: &[&str]) {
    let mut any = false;
    let mut broken = Vec::new();
    for source in concerned {
        any = true;
        for word in source.mentions(forbidden) {
            broken.push(format!("{} mentions {word}", source.path));
        }
    }
    assert!(any, "the rule applies to no file");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_group_imports_no_group_above_it() {
    let rank = |name: &str| GROUPS.iter().position(|known| *known == group(name));
    let mut upward = Vec::new();
    for source in sources() {
        let module = source.module();
        let Some(here) = rank(module[0]) else {
            assert!(["lib", "main"].contains(&module[0]), "{}", source.path);
            continue;
        };
        for import in source.imports() {
            if rank(&import[0]).is_some_and(|there| there > here) {
                upward.push(format!("{} imports {}", source.path, import.join("::")));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn modules_import_each_other_in_no_circle() {
    let sources = sources();
    let slices: BTreeSet<String> = sources
        .iter()
        .filter(|source| source.module().len() >= 2)
        .map(|source| source.module()[..2].join("::"))
        .collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in &sources {
        let here = slice(&source.module(), &slices);
        let edges = graph.entry(here.clone()).or_default();
        for import in source.imports() {
            let import: Vec<&str> = import.iter().map(String::as_str).collect();
            let there = slice(&import, &slices);
            if there != here {
                edges.insert(there);
            }
        }
    }
    let circles = circles(&graph);
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn handlers_contain_no_sql() {
    let sources = sources();
    let is_handler = |source: &&Source| {
        let routes = ["#[get(", "#[post(", "#[put(", "#[patch(", "#[delete("];
        !source.mentions(&routes).is_empty()
    };
    assert_none(sources.iter().filter(is_handler), &SQL);
}

#[test]
fn sql_is_executed_without_http() {
    let sources = sources();
    let is_store =
        |source: &&Source| source.path.ends_with("/store.rs") || !source.mentions(&SQL).is_empty();
    assert_none(sources.iter().filter(is_store), &HTTP);
}

#[test]
fn stores_take_the_time_as_an_argument() {
    let sources = sources();
    let is_store = |source: &&Source| source.path.ends_with("/store.rs");
    assert_none(sources.iter().filter(is_store), &["core::clock", "lettre"]);
}

/// A file that calls itself pure in its first paragraph.
#[test]
fn pure_rules_have_no_connection_no_request_and_no_clock() {
    let sources = sources();
    let is_pure = |source: &&Source| {
        let paragraph = source
            .text
            .lines()
            .take_while(|line| line.starts_with("//! "));
        paragraph.last().is_some_and(|line| line.ends_with("Pure."))
    };
    assert_none(
        sources.iter().filter(is_pure),
        &[
            "PgConnection",
            "actix_web",
            "core::clock",
            "tokio",
            "core::db",
        ],
    );
}

#[test]
fn the_engine_has_no_handlers_and_no_http() {
    let sources = sources();
    let is_engine = |source: &&Source| source.path.starts_with("engine/");
    assert_none(sources.iter().filter(is_engine), &["crate::web", "::api"]);
}

#[test]
fn the_leaf_crates_depend_on_no_database_no_http_and_no_settings() {
    let foreign = [
        "diesel",
        "actix",
        "deadpool",
        "clap",
        "dotenvy",
        "prometheus",
    ];
    for leaf in ["smtp", "mime"] {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("crates")
            .join(leaf);
        let manifest = fs::read_to_string(manifest.join("Cargo.toml")).unwrap();
        let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
        for name in foreign.iter().chain(&["dispatch", "path ="]) {
            assert!(!dependencies.contains(name), "{leaf} depends on {name}");
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut sources = sources();
    sources.extend(leaf_sources());
    let long: Vec<_> = sources
        .iter()
        .filter(|source| source.lines > 300 && !source.path.ends_with("db/schema.rs"))
        .map(|source| &source.path)
        .collect();
    assert!(long.is_empty(), "over 300 lines: {long:?}");
    let silent: Vec<_> = sources
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| &source.path)
        .collect();
    assert!(
        silent.is_empty(),
        "no first line of documentation: {silent:?}"
    );
}

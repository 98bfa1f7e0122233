//! The documents name files that exist.

use std::fs;
use std::path::{Path, PathBuf};

/// Written by the build.
const BUILD_OUTPUT: &str = "frontend/dist";
/// Folders that paths in documents start with.
const TOP: [&str; 5] = ["backend/", "frontend/", "openapi/", "docs/", "dev/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn documents() -> Vec<PathBuf> {
    let mut found = vec![
        root().join("README.md"),
        root().join("backend/ops/operations.md"),
        root().join("backend/src/engine/ENGINE.md"),
        root().join("openapi/guide.md"),
    ];
    for folder in ["docs", "docs/decisions"] {
        let files = fs::read_dir(root().join(folder)).unwrap();
        found.extend(files.map(|file| file.unwrap().path()));
    }
    found.retain(|path| path.extension().is_some_and(|kind| kind == "md"));
    found
}

/// The text between backquotes, and the targets of links.
fn named(text: &str) -> Vec<&str> {
    let code = text
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    code.collect()
}

#[test]
fn files_named_in_documents_exist() {
    let mut missing = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for name in named(&text) {
            let is_path = TOP.iter().any(|top| name.starts_with(top));
            if is_path
                && name != BUILD_OUTPUT
                && !name.contains(['<', '{', '*', ' '])
                && !root().join(name).exists()
            {
                missing.push(format!("{}: {name}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for part in text.split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap();
            let is_local =
                !target.is_empty() && !target.contains("://") && !target.contains("mailto:");
            if is_local && !document.parent().unwrap().join(target).exists() {
                dead.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

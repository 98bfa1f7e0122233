//! The sources of the program as text, and the imports between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A source file, without its unit tests.
pub(super) struct Source {
    /// Path below `src`, such as `delivery/runs/store.rs`.
    pub(super) path: String,
    pub(super) text: String,
    /// Number of lines including unit tests.
    pub(super) lines: usize,
}

impl Source {
    /// The module path: `delivery::runs::store`; that of `delivery/runs/mod.rs` is `delivery::runs`.
    pub(super) fn module(&self) -> Vec<&str> {
        let path = self.path.strip_suffix(".rs").unwrap();
        path.split('/').filter(|part| *part != "mod").collect()
    }

    /// Whether one of the words occurs outside of comments.
    pub(super) fn mentions<'a>(&self, words: &[&'a str]) -> Vec<&'a str> {
        let code = without_comments(&self.text);
        let found = words.iter().filter(|word| code.contains(**word));
        found.copied().collect()
    }

    /// All paths below `crate::` that the file names.
    pub(super) fn imports(&self) -> Vec<Vec<String>> {
        let code = without_comments(&self.text);
        let mut paths = Vec::new();
        for (at, word) in code.match_indices("crate::") {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                expand(&code[at + word.len()..], &mut Vec::new(), &mut paths);
            }
        }
        paths
    }
}

/// All sources of the program without files of unit tests.
pub(super) fn sources() -> Vec<Source> {
    below("src")
}

/// The same of the leaf crates.
pub(super) fn leaf_sources() -> Vec<Source> {
    below("crates")
}

fn below(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let source = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(&root).unwrap();
        Source {
            path: path.to_str().unwrap().to_owned(),
            lines: text.lines().count(),
            text: before_tests(&text).to_owned(),
        }
    };
    paths.into_iter().map(source).collect()
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().and_then(|name| name.to_str());
        if name == Some("tests") || name == Some("target") {
            continue;
        }
        match path.is_dir() {
            true => collect(&path, into),
            false if path.extension().is_some_and(|kind| kind == "rs") => into.push(path),
            false => {}
        }
    }
}

fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

fn without_comments(text: &str) -> String {
    let code = text.lines().map(|line| match line.trim_start() {
        line if line.starts_with("//") => "",
        line => line,
    });
    code.collect::<Vec<_>>().join("\n")
}

/// Reads one path, or a group of paths in braces, from the start of the text.
fn expand(text: &str, before: &mut Vec<String>, into: &mut Vec<Vec<String>>) -> usize {
    let depth = before.len();
    let mut read = 0;
    loop {
        let rest = &text[read..];
        let trimmed = rest.trim_start();
        read += rest.len() - trimmed.len();
        if trimmed.starts_with('{') {
            read += 1;
            while !text[read..].trim_start().starts_with('}') {
                read += expand(&text[read..], before, into);
                let rest = text[read..].trim_start();
                read = text.len() - rest.len() + usize::from(rest.starts_with(','));
                if rest.is_empty() {
                    break;
                }
            }
            read = text.len() - text[read..].trim_start().len() + 1;
            break;
        }
        let name: String = trimmed
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        read += name.len();
        if name.is_empty() {
            into.push(before.clone());
            break;
        }
        before.push(name);
        if text[read..].starts_with("::") {
            read += 2;
        } else {
            into.push(before.clone());
            break;
        }
    }
    before.truncate(depth);
    read
}

/// Groups of nodes of which each reaches the others: the circles of a graph, largest first.
pub(super) fn circles(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reachable: BTreeMap<&String, BTreeSet<&String>> = graph
        .keys()
        .map(|node| (node, reachable(graph, node)))
        .collect();
    let mut found: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    for (node, reached) in &reachable {
        let circle: BTreeSet<String> = reached
            .iter()
            .filter(|other| {
                reachable
                    .get(**other)
                    .is_some_and(|back| back.contains(node))
            })
            .map(|other| (*other).clone())
            .collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    found
}

fn reachable<'a>(
    graph: &'a BTreeMap<String, BTreeSet<String>>,
    from: &'a String,
) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        for next in graph.get(node).into_iter().flatten() {
            if reached.insert(next) {
                open.push(next);
            }
        }
    }
    reached
}

#[test]
fn nested_imports_are_read_one_by_one() {
    let source = Source {
        path: "a/b.rs".to_owned(),
        text: "use crate::{x::{self, y}, z};\n// crate::not\nfn f() { crate::v::w(); }".to_owned(),
        lines: 3,
    };
    let imports = source.imports();
    let imports: Vec<String> = imports.iter().map(|path| path.join("::")).collect();
    assert_eq!(imports, ["x::self", "x::y", "z", "v::w"]);
}

#[test]
fn a_circle_is_found_and_a_chain_is_none() {
    let edge = |from: &str, to: &[&str]| {
        let to: BTreeSet<String> = to.iter().map(|name| (*name).to_owned()).collect();
        (from.to_owned(), to)
    };
    let chain: BTreeMap<_, _> = [edge("a", &["b"]), edge("b", &["c"]), edge("c", &[])].into();
    assert!(circles(&chain).is_empty());
    let circle: BTreeMap<_, _> = [edge("a", &["b"]), edge("b", &["c"]), edge("c", &["a"])].into();
    assert_eq!(circles(&circle)[0].len(), 3);
}

//! What the program is made of: nothing that is known to be weak, and of some crates nothing older than their last mend.

use std::collections::HashMap;

/// TLS is rustls alone; `rsa` leaks its keys through timing (RUSTSEC-2023-0071).
const NEVER: [&str; 4] = ["native-tls", "openssl", "openssl-sys", "rsa"];

/// Older versions have holes that were found since.
const AT_LEAST: [(&str, [u64; 3]); 3] = [
    ("jsonwebtoken", [10, 3, 0]),
    ("bcrypt", [0, 19, 2]),
    ("lettre", [0, 11, 22]),
];

/// Every locked crate with its versions.
fn locked() -> HashMap<String, Vec<[u64; 3]>> {
    let lock = include_str!("../../../../Cargo.lock");
    let quoted = |line: &str, key: &str| {
        let value = line.strip_prefix(key)?.strip_prefix(" = \"")?;
        Some(value.strip_suffix('"')?.to_owned())
    };
    let mut crates: HashMap<String, Vec<[u64; 3]>> = HashMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |key: &str| package.lines().find_map(|line| quoted(line, key));
        let (name, version) = (field("name").unwrap(), field("version").unwrap());
        let core = version.split(['-', '+']).next().unwrap();
        let parts: Vec<u64> = core.split('.').map(|n| n.parse().unwrap()).collect();
        crates
            .entry(name)
            .or_default()
            .push(parts.try_into().unwrap());
    }
    crates
}

#[test]
fn no_locked_dependency_has_a_known_vulnerability() {
    let crates = locked();
    let weak: Vec<_> = NEVER
        .iter()
        .filter(|name| crates.contains_key(**name))
        .collect();
    assert!(weak.is_empty(), "{weak:?}");
    for (name, oldest) in AT_LEAST {
        let versions = &crates[name];
        assert!(versions.iter().all(|v| *v >= oldest), "{name} {versions:?}");
    }
}

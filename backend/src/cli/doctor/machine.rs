//! This machine and the settings that are about it: keys, addresses, folders, files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::Findings;
use crate::config::Config;
use crate::core::metrics::process::open_files_limit;

/// Sessions with mail servers, connections of clients and to the database, files of the journal: with room to spare.
const FILES: i64 = 1024;

/// File systems that are gone with the machine's power, or with a container.
const PASSING: [&str; 3] = ["tmpfs", "ramfs", "overlay"];
/// File systems of other machines: slow, and at times away.
const REMOTE: [&str; 6] = ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"];

pub(super) fn keys(config: &Config, findings: &Findings) {
    let standing = config.standing;
    match (standing.sample_secret, standing.production) {
        (true, _) => findings.warn(
            "keys",
            "APP_SECRET is the public sample: whoever knows it can sign in as anybody",
            "make your own before anybody else uses this: openssl rand -base64 32",
        ),
        (false, false) => findings.ok(
            "keys",
            "APP_SECRET is your own; with APP_ENV=production the sample would be refused",
        ),
        (false, true) => findings.ok("keys", "APP_SECRET is your own"),
    }
}

pub(super) fn public_url(config: &Config, findings: &Findings) {
    let url = &config.http.public_url;
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let advice = "set PUBLIC_URL to what people type, such as https://dispatch.example.org";
    if rest.contains('/') {
        findings.warn(
            "public-url",
            format!("{url} is more than an origin"),
            "the application is made for an origin of its own: a path works only behind a proxy that takes it off",
        );
    } else if config.standing.production && scheme != "https" {
        findings.fail(
            "public-url",
            format!("{url} is not encrypted: links in mails lead there, and browsers keep no secure cookie for it"),
            advice,
        );
    } else {
        findings.ok("public-url", url.as_str());
    }
}

pub(super) fn journal(config: &Config, findings: &Findings) {
    let folder = &config.engine.journal_dir;
    if let Err(error) = write_in(folder) {
        return findings.fail(
            "journal",
            format!("{}: {error}", folder.display()),
            "JOURNAL_DIR must be a folder that the service may write to, on a disk with room",
        );
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let kind = file_system(&mounts, &real).unwrap_or("unknown");
    let message = format!("{} can be written to ({kind})", folder.display());
    if PASSING.contains(&kind) {
        findings.warn(
            "journal",
            message,
            "what is noted there is gone after a restart of the machine or container, and mails under way count as uncertain: put JOURNAL_DIR on a disk or volume",
        );
    } else if REMOTE.contains(&kind) {
        findings.warn(
            "journal",
            message,
            "a disk of this machine is quicker and never away: JOURNAL_DIR is not to be shared",
        );
    } else {
        findings.ok("journal", message);
    }
}

/// Leaves nothing there.
fn write_in(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!(".doctor-{:016x}", rand::random::<u64>()));
    let mut file = File::create_new(&path)?;
    let written = file.write_all(b"here").and_then(|()| file.sync_all());
    fs::remove_file(&path)?;
    written
}

/// The kind of the file system that this path is on: that of the longest place where one is mounted above it.
fn file_system<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let place = words.nth(1)?;
        path.starts_with(place)
            .then_some((place.len(), words.next()?))
    });
    // Of two at the same place the later one is on top.
    mounted
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

pub(super) fn frontend(config: &Config, findings: &Findings) {
    match &config.http.frontend_dir {
        None => findings.ok(
            "frontend",
            "FRONTEND_DIR is not set: only the API is served here",
        ),
        Some(folder) if folder.join("assets").is_dir() => {
            findings.ok("frontend", format!("built, in {}", folder.display()));
        }
        Some(folder) => findings.warn(
            "frontend",
            format!("{} has an index.html but no assets", folder.display()),
            "FRONTEND_DIR must be what `npm run build` makes: frontend/dist",
        ),
    }
}

pub(super) fn open_files(config: &Config, findings: &Findings) {
    let Some(limit) = open_files_limit() else {
        return findings.ok(
            "files",
            "how many may be open cannot be seen on this system",
        );
    };
    let sessions = i64::try_from(config.engine.sessions).unwrap_or(i64::MAX);
    let needed = FILES.saturating_add(sessions).min(4096);
    let message = format!("{limit} may be open at the same time");
    if limit < needed {
        findings.warn(
            "files",
            message,
            format!("raise it to {needed} or more: ulimit -n, LimitNOFILE= of systemd, ulimits of a container"),
        );
    } else {
        findings.ok("files", message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_of_a_folder_is_the_innermost_that_is_mounted() {
        let mounts =
            "overlay / overlay rw 0 0\n/dev/sda1 /var/lib ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n";
        let of = |path: &str| file_system(mounts, Path::new(path));
        assert_eq!(of("/var/lib/dispatch/journal"), Some("ext4"));
        assert_eq!(of("/tmp/dispatch-journal"), Some("tmpfs"));
        assert_eq!(of("/tmpfs"), Some("overlay"));
    }
}

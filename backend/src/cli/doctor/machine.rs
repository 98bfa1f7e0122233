//! Checks keys, URLs, directories and limits of this machine.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::findings::Findings;
use crate::config::Config;
use crate::core::metrics::process::open_files_limit;

/// Open files needed for SMTP sessions, clients, database connections and the journal, with a margin.
const MIN_OPEN_FILES: i64 = 1024;

/// File systems that do not survive a restart of the machine or container.
const VOLATILE: [&str; 3] = ["tmpfs", "ramfs", "overlay"];
/// File systems of other machines: slower, and sometimes unavailable.
const REMOTE: [&str; 6] = ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"];

pub(super) fn keys(config: &Config, findings: &Findings) {
    let deployment = config.deployment;
    match (deployment.sample_secret, deployment.production) {
        (true, _) => findings.warn(
            "keys",
            "APP_SECRET is the public sample: anyone who knows it can sign in as any user",
            "generate your own before others use this installation: openssl rand -base64 32",
        ),
        (false, false) => findings.ok(
            "keys",
            "APP_SECRET is not the public sample, which APP_ENV=production would refuse",
        ),
        (false, true) => findings.ok("keys", "APP_SECRET is not the public sample"),
    }
}

pub(super) fn public_url(config: &Config, findings: &Findings) {
    let url = &config.http.public_url;
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let advice =
        "set PUBLIC_URL to the address that users open, such as https://dispatch.example.org";
    if rest.contains('/') {
        findings.warn(
            "public-url",
            format!("{url} has a path"),
            "the application expects an origin of its own: a path works only behind a proxy that removes it",
        );
    } else if config.deployment.production && scheme != "https" {
        findings.fail(
            "public-url",
            format!("{url} is not encrypted: links in mails lead there, and browsers store no secure cookies for it"),
            advice,
        );
    } else {
        findings.ok("public-url", url.as_str());
    }
}

pub(super) fn journal(config: &Config, findings: &Findings) {
    let dir = &config.engine.journal_dir;
    if let Err(error) = write_in(dir) {
        return findings.fail(
            "journal",
            format!("{}: {error}", dir.display()),
            "JOURNAL_DIR must be a writable directory on a disk with free space",
        );
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let real = dir.canonicalize().unwrap_or_else(|_| dir.clone());
    let kind = file_system(&mounts, &real).unwrap_or("unknown");
    let message = format!("{} is writable ({kind})", dir.display());
    if VOLATILE.contains(&kind) {
        findings.warn(
            "journal",
            message,
            "the journal is lost with a restart of the machine or container, and mails in flight become uncertain: put JOURNAL_DIR on a disk or volume",
        );
    } else if REMOTE.contains(&kind) {
        findings.warn(
            "journal",
            message,
            "use a local disk, which is faster and always available: JOURNAL_DIR must not be shared between machines",
        );
    } else {
        findings.ok("journal", message);
    }
}

/// Writes a file and deletes it.
fn write_in(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let path = dir.join(format!(".doctor-{:016x}", rand::random::<u64>()));
    let mut file = File::create_new(&path)?;
    let written = file.write_all(b"here").and_then(|()| file.sync_all());
    fs::remove_file(&path)?;
    written
}

/// The type of the file system of this path: that of the longest mount point above it.
fn file_system<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let mount_point = words.nth(1)?;
        path.starts_with(mount_point)
            .then_some((mount_point.len(), words.next()?))
    });
    // Of two at the same mount point, the last one is visible.
    mounted
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

pub(super) fn frontend(config: &Config, findings: &Findings) {
    match &config.http.frontend_dir {
        None => findings.ok(
            "frontend",
            "FRONTEND_DIR is not set: only the API is served",
        ),
        Some(dir) if dir.join("assets").is_dir() => {
            findings.ok("frontend", format!("built, in {}", dir.display()));
        }
        Some(dir) => findings.warn(
            "frontend",
            format!("{} has an index.html but no assets", dir.display()),
            "FRONTEND_DIR must be the output of `npm run build`: frontend/dist",
        ),
    }
}

pub(super) fn open_files(config: &Config, findings: &Findings) {
    let Some(limit) = open_files_limit() else {
        return findings.ok("files", "the limit of open files is unknown on this system");
    };
    let sessions = i64::try_from(config.engine.sessions).unwrap_or(i64::MAX);
    let needed = MIN_OPEN_FILES.saturating_add(sessions).min(4096);
    let message = format!("at most {limit} open files");
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
    fn the_file_system_of_a_directory_is_the_innermost_mount() {
        let mounts =
            "overlay / overlay rw 0 0\n/dev/sda1 /var/lib ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n";
        let of = |path: &str| file_system(mounts, Path::new(path));
        assert_eq!(of("/var/lib/dispatch/journal"), Some("ext4"));
        assert_eq!(of("/tmp/dispatch-journal"), Some("tmpfs"));
        assert_eq!(of("/tmpfs"), Some("overlay"));
    }
}

//! The outcome journal: what a worker was about to do and what came of it, on this machine's disk before it is in the
//! database. Writing the database for every mail would cost ten times the mail; a line here costs a microsecond and, being
//! handed to the operating system at once, survives the worker's death. (It need not survive the machine's: then the
//! lease expires, and what had no result is uncertain.)
//!
//! ```text
//! <JOURNAL_DIR>/<installation>/<worker>/lock       locked while the worker lives
//!                                      /<lease>    a line for each step; deleted when the lease is given back
//! ```

use std::error::Error;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::delivery::deliveries::claims::Lease;
use crate::delivery::deliveries::model::DeliveryStatus;
use crate::delivery::deliveries::results::{AttemptResult, Place};

/// A step in the life of a lease; a line of its file. One that was cut off does not count.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Lease(Lease, Place),
    /// The mail to this recipient is being made: whatever kills the worker now may be this mail.
    Take(Taken),
    /// The body to this recipient is about to leave.
    Begin(i64),
    End(AttemptResult),
}

/// A delivery that a session has in hand.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) recipient_id: i64,
    pub(super) attempt_no: i16,
    pub(super) before: DeliveryStatus,
}

/// A worker's own part of the journal.
pub(super) struct Journal {
    installation: PathBuf,
    own: PathBuf,
    _lock: File,
}

impl Journal {
    /// Begins the journal of `worker`, below `dir`.
    pub(super) fn open(dir: &Path, worker: &str) -> io::Result<Self> {
        let own = dir.join(worker);
        // Locked before anybody can see it: a folder that is not locked is a dead worker's.
        let unseen = dir.join(format!(".{worker}"));
        fs::create_dir_all(&unseen)?;
        let lock = File::create(unseen.join(LOCK))?;
        lock.lock()?;
        fs::rename(&unseen, &own)?;
        Ok(Self {
            installation: dir.to_owned(),
            own,
            _lock: lock,
        })
    }

    /// A file for a lease that is about to be taken. Without one nothing is claimed.
    pub(super) fn begin(&self, token: i64) -> io::Result<LeaseFile> {
        let path = self.own.join(token.to_string());
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&path)?;
        Ok(LeaseFile { file, path })
    }

    /// The journals that dead workers of this machine have left.
    pub(super) fn orphans(&self) -> io::Result<Vec<Orphan>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.installation)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(worker) = name.filter(|name| !name.starts_with('.')) else {
                continue;
            };
            if path != self.own
                && let Some(lock) = locked(&path)?
            {
                found.push(Orphan {
                    worker: worker.to_owned(),
                    path,
                    _lock: lock,
                });
            }
        }
        Ok(found)
    }
}

impl Drop for Journal {
    /// A journal with nothing left to tell goes away; one with a lease in it is for whoever comes next.
    fn drop(&mut self) {
        remove_if_settled(&self.own);
    }
}

/// `None` while its worker lives, or when it is gone.
fn locked(worker: &Path) -> io::Result<Option<File>> {
    let lock = match File::open(worker.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

const LOCK: &str = "lock";

fn remove_if_settled(worker: &Path) {
    let leases = lease_files(worker);
    if leases.is_ok_and(|leases| leases.is_empty()) {
        // Somebody else may have been quicker.
        fs::remove_file(worker.join(LOCK)).ok();
        fs::remove_dir(worker).ok();
    }
}

fn lease_files(worker: &Path) -> io::Result<Vec<PathBuf>> {
    let entries: io::Result<Vec<_>> = fs::read_dir(worker)?.collect();
    let paths = entries?.into_iter().map(|entry| entry.path());
    Ok(paths.filter(|path| !path.ends_with(LOCK)).collect())
}

/// Describes the failure to the operator.
pub(super) fn unusable(journal: &Path) -> impl FnOnce(io::Error) -> Box<dyn Error> {
    move |error| {
        let journal = journal.display();
        format!("cannot write the journal in {journal} (see JOURNAL_DIR): {error}").into()
    }
}

/// The file of one lease.
pub(super) struct LeaseFile {
    file: File,
    path: PathBuf,
}

impl LeaseFile {
    /// Hands these lines to the operating system in one write.
    pub(super) fn write(&self, lines: &[&Line]) -> io::Result<()> {
        let mut text = Vec::with_capacity(512);
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        (&self.file).write_all(&text)
    }

    /// Everything in it is in the database.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            // Replayed, it changes nothing.
            tracing::warn!(%error, "a file of the journal cannot be deleted");
        }
    }
}

/// A dead worker's journal, ours while we read it.
pub(super) struct Orphan {
    pub(super) worker: String,
    path: PathBuf,
    _lock: File,
}

impl Orphan {
    /// What it tells of each lease, with the file to be removed once that is recorded.
    pub(super) fn leases(&self) -> io::Result<Vec<(PathBuf, Vec<Line>)>> {
        let files = lease_files(&self.path)?;
        files
            .into_iter()
            .map(|path| Ok((path.clone(), read(&path)?)))
            .collect()
    }

    /// Deletes what is left of it.
    pub(super) fn forget(self) {
        remove_if_settled(&self.path);
    }
}

/// The whole lines up to the first that makes no sense: behind it nothing can be trusted.
fn read(path: &Path) -> io::Result<Vec<Line>> {
    let text = fs::read(path)?;
    let whole = text
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"));
    Ok(whole
        .map_while(|line| serde_json::from_slice(line).ok())
        .collect())
}

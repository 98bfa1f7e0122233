//! The journal: what a worker is about to do and the outcome, on this machine's disk before it is in the database. A
//! database write for every mail would cost ten times as much as sending it; a line here costs a microsecond. Lines are
//! handed to the operating system immediately, so they survive the worker's death. They need not survive the machine:
//! then the lease expires, and deliveries without a result become uncertain.
//!
//! ```text
//! <JOURNAL_DIR>/<installation>/<worker>/lock       locked while the worker lives
//!                                      /<lease>    a line for each step; deleted when the lease is released
//! ```

use std::error::Error;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::delivery::deliveries::claims::Lease;
use crate::delivery::deliveries::model::DeliveryStatus;
use crate::delivery::deliveries::results::{AttemptResult, ChunkKey};

/// A line of a lease's file. An incomplete line is ignored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum JournalLine {
    Lease(Lease, ChunkKey),
    /// The mail to this recipient is being composed: if the worker dies now, this mail may be the cause.
    Take(TakenDelivery),
    /// The body of the mail to this recipient is about to be sent.
    Begin(i64),
    /// The attempt has ended.
    End(AttemptResult),
}

/// A delivery taken by an SMTP worker.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct TakenDelivery {
    pub(super) recipient_id: i64,
    pub(super) attempt_no: i16,
    pub(super) before: DeliveryStatus,
}

/// The journal of this process's worker.
pub(super) struct Journal {
    installation: PathBuf,
    own: PathBuf,
    _lock: File,
}

impl Journal {
    /// Creates the journal of `worker` in `dir`.
    pub(super) fn open(dir: &Path, worker: &str) -> io::Result<Self> {
        let own = dir.join(worker);
        // Locked before it becomes visible: a directory that is not locked belongs to a dead worker.
        let hidden = dir.join(format!(".{worker}"));
        fs::create_dir_all(&hidden)?;
        let lock = File::create(hidden.join(LOCK))?;
        lock.lock()?;
        fs::rename(&hidden, &own)?;
        Ok(Self {
            installation: dir.to_owned(),
            own,
            _lock: lock,
        })
    }

    /// Creates the file of a lease that is about to be claimed.
    pub(super) fn begin(&self, token: i64) -> io::Result<LeaseFile> {
        let path = self.own.join(token.to_string());
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&path)?;
        Ok(LeaseFile { file, path })
    }

    /// The journals of dead workers of this machine.
    pub(super) fn orphans(&self) -> io::Result<Vec<OrphanedJournal>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.installation)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(worker) = name.filter(|name| !name.starts_with('.')) else {
                continue;
            };
            if path != self.own
                && let Some(lock) = lock_orphan(&path)?
            {
                found.push(OrphanedJournal {
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
    /// Deletes the journal unless it has leases, which are then recovered by the next worker.
    fn drop(&mut self) {
        remove_if_settled(&self.own);
    }
}

/// Locks a journal; `None` if its worker is alive or it no longer exists.
fn lock_orphan(worker: &Path) -> io::Result<Option<File>> {
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
        // Another process may have deleted it already.
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
    pub(super) fn write(&self, lines: &[&JournalLine]) -> io::Result<()> {
        let mut text = Vec::with_capacity(512);
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        (&self.file).write_all(&text)
    }

    /// Deletes the file; called when all its results are in the database.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            // A replay of it changes nothing.
            tracing::warn!(%error, "cannot delete a file of the journal");
        }
    }
}

/// The journal of a dead worker, locked by this process.
pub(super) struct OrphanedJournal {
    pub(super) worker: String,
    path: PathBuf,
    _lock: File,
}

impl OrphanedJournal {
    /// The lines of each lease, with the path of the file, to be deleted once they are recorded.
    pub(super) fn leases(&self) -> io::Result<Vec<(PathBuf, Vec<JournalLine>)>> {
        let files = lease_files(&self.path)?;
        files
            .into_iter()
            .map(|path| Ok((path.clone(), read(&path)?)))
            .collect()
    }

    /// Deletes the journal if no leases are left.
    pub(super) fn delete(self) {
        remove_if_settled(&self.path);
    }
}

/// The complete lines up to the first invalid one.
fn read(path: &Path) -> io::Result<Vec<JournalLine>> {
    let text = fs::read(path)?;
    let whole = text
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"));
    Ok(whole
        .map_while(|line| serde_json::from_slice(line).ok())
        .collect())
}

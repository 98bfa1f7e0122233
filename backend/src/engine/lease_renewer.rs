//! The lease renewer: renews the leases of chunks in flight well before they expire.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::chunk::{Chunk, LEASE_SECONDS};
use crate::delivery::deliveries::claims::Lease;
use crate::delivery::deliveries::leases;

/// Renewal interval: short enough for several attempts while a lease is valid.
const INTERVAL: Duration = Duration::from_secs(10);

pub(super) struct LeaseRenewer {
    renewed: Instant,
}

impl LeaseRenewer {
    pub(super) fn new() -> Self {
        Self {
            renewed: Instant::now(),
        }
    }

    /// Renews the leases of these chunks when due; a chunk whose lease was lost is not sent any further.
    pub(super) fn renew_if_due(
        &mut self,
        conn: &mut PgConnection,
        chunks: impl FnOnce() -> Vec<Arc<Chunk>>,
    ) -> QueryResult<()> {
        if self.renewed.elapsed() < INTERVAL {
            return Ok(());
        }
        let then = Instant::now();
        let chunks = chunks();
        let leases: Vec<Lease> = chunks.iter().map(|chunk| chunk.lease).collect();
        let kept = leases::renew(conn, &leases, LEASE_SECONDS)?;
        for chunk in chunks {
            if kept.contains(&chunk.lease.lease_token) {
                chunk.renewed(then);
            } else {
                chunk.lost();
            }
        }
        self.renewed = then;
        Ok(())
    }
}

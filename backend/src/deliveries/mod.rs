//! Deliveries: the ledger, one row for each recipient of a run. `store` prepares, closes and reads it; `claims`, `leases` and
//! `results` are the engine's hot path: chunks leased, results recorded in batches. `losses` are the leases of dead workers;
//! `skips` leaves recipients out of runs under way, `withdrawals` tells the engine of those it had claimed; `retries` tells who was not served and tries them again.

pub mod api;
pub mod claims;
pub mod leases;
pub mod losses;
pub mod model;
mod record;
pub mod results;
pub mod retries;
pub mod skips;
pub mod small_runs;
pub mod store;
pub mod withdrawals;

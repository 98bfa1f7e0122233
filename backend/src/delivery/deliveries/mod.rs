//! Deliveries: one row for each recipient of a run. `store` prepares, closes and reads them; `claims`, `leases` and
//! `results` are the engine's hot path: chunks are leased, results recorded in batches. `expired_leases` handles the leases
//! of dead workers; `skips` leaves recipients out of runs under way, `withdrawals` notifies the engine if they were
//! already claimed; `retries` lists recipients who did not get their mail and retries them.

pub mod claims;
pub mod expired_leases;
pub mod leases;
pub mod model;
mod record;
pub mod results;
pub mod retries;
pub mod small_runs;
pub mod store;
pub mod withdrawals;

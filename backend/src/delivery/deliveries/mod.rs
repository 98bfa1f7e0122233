//! Deliveries: one row for each recipient of a run. `store` prepares, closes and lists them; `claims`, `leases` and
//! `results` are the engine's hot path: chunks are leased, results recorded in batches. `expired_leases` handles the leases
//! of dead workers; `withdrawals` tells the engine which claimed deliveries were withdrawn; `retries` lists and retries
//! failed deliveries.

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

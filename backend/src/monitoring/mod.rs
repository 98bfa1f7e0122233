//! What the process tells about itself: counted where it happens (`meters`), read from the database when somebody looks
//! (`store`), shown on a port of its own for Prometheus (`server`). Labels come from short lists, never from addresses,
//! names or what clients send.

mod labels;
pub mod meters;
mod names;
pub(crate) mod process;
pub mod readiness;
pub mod requests;
pub mod server;
pub mod store;

//! Statistics: how many attempts ended how, over time, by owner and by mailing. The numbers are sums of `tallies`, which the
//! database keeps in step with the log.

pub mod api;
pub mod asked;
pub mod domains;
pub mod lines;
pub mod model;
pub mod period;
pub mod store;

//! Statistics: how many attempts ended how, over time, by owner and by mailing. The numbers are sums of `tallies`, which the
//! database keeps in step with the log.

pub mod api;
pub mod domains;
pub mod mailing_lines;
pub mod model;
pub mod period;
pub mod query;
pub mod store;

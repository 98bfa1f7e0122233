//! Mail servers that users bring: kept sealed, tested on demand, and what leaves through them.

mod keeping;
mod secrets;
mod sending;
mod signing;
mod testing;
mod troubles;

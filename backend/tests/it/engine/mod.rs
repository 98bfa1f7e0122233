//! The delivery engine, driven by hand against a scripted mail server.

mod answers;
mod races;
mod schedule;
mod stopping;

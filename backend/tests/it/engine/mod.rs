//! The delivery engine, driven by hand against a scripted mail server.

mod answers;
mod schedule;
mod stopping;

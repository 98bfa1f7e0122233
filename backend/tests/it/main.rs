//! The tests of the whole program against real parts: PostgreSQL, SMTP over sockets, HTTP.

mod recipients;
mod recurrence;
mod recurrence_properties;
mod support;

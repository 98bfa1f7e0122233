//! The tests of the whole program against real parts: PostgreSQL, SMTP over sockets, HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected has failed"
)]

mod account_mail;
mod account_tidy;
mod addresses;
mod api_tokens;
mod architecture;
mod articles;
mod attempts;
mod auth;
mod avatars;
mod blocking;
mod cache;
mod cli;
mod confirmation;
mod create_admin;
mod csv;
mod doctor;
mod documents;
mod email_change;
mod engine;
mod event_kinds;
mod events;
mod fairness;
mod holds;
mod home;
mod idempotency_keys;
mod invitations;
mod isolation;
mod letters;
mod limits;
mod live;
mod local_times;
mod mail_session;
mod mailings;
mod matrix;
mod message_tryouts;
mod messages;
mod monitoring;
mod normalization;
mod outages;
mod oversight;
mod own_sessions;
mod passwords;
mod people;
mod quotas;
mod recipients;
mod recurrence;
mod recurrence_properties;
mod recurrence_zones;
mod retries;
mod roles;
mod schema;
mod security;
mod sessions;
mod settings;
mod sign_up;
mod site;
mod skips;
mod smtp_servers;
mod starting;
mod starts;
mod stats;
mod support;
mod suppressions;
mod templates;
mod text_enums;
mod texts;
mod unsubscribe;
mod upgrades;
mod users;

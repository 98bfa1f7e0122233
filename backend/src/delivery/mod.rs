//! Mailings, their runs and deliveries, the log of attempts, statistics, SMTP servers, and the links of sent mails.

pub mod attempts;
pub mod deliveries;
pub mod mailings;
pub mod runs;
pub mod smtp_server_health;
pub mod smtp_servers;
pub mod stats;
pub mod unsubscribe;
pub mod web_view;

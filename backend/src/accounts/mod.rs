//! Who may use the service: sign-in, sessions, users, roles, quotas, the audit log, transactional mail.
//!
//! From the lowest to the highest: `identity` (who makes a request), `tokens`, `audit_log`, `callers` (from a token to a
//! caller), `sessions`, `users`, and on them the others.

pub mod admission;
pub mod api_tokens;
pub mod audit_log;
pub mod auth;
pub mod avatars;
pub mod callers;
pub mod identity;
pub mod invitations;
pub mod quotas;
pub mod sessions;
pub mod tokens;
pub mod transactional_mails;
pub mod users;

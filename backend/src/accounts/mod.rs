//! Who may use the service: sign-in, sessions, users, roles, quotas, the audit log, transactional mail.

pub mod api_tokens;
pub mod audit_log;
pub mod auth;
pub mod avatars;
pub mod invitations;
pub mod quotas;
pub mod transactional_mails;
pub mod users;

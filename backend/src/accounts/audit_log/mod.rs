//! The audit log: what users and the service have done, for staff. An entry is written in the transaction of the change.

pub mod api;
pub mod model;
pub mod new;
pub mod purge;
pub mod settings;
pub mod store;

pub use self::model::{EventKind, SubjectKind};
pub use self::new::NewEvent;
pub use self::store::{audit, audit_all, audit_by_address};

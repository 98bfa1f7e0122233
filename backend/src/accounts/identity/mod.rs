//! Who makes a request and what they may do: roles, callers, and the context of a request. The extractors of callers are
//! in `callers`.

mod caller;
mod context;
mod origin;
mod role;
mod token_scope;
mod user_ref;
mod visitor;

pub use caller::{Anonymous, Caller, CredentialKind, SessionCaller};
pub use context::{Actor, Ctx};
pub use origin::Origin;
pub use role::Role;
pub use token_scope::TokenScope;
pub use user_ref::UserRef;
pub use visitor::Visitor;

//! Who may do what, as pure rules.

use crate::named::named;

named! {
    /// What somebody is here for. Managers oversee and edit nothing; administrators also give roles.
    pub enum Role {
        User = "user",
        Manager = "manager",
        Admin = "admin",
    }
}

impl Role {
    /// Whether this role may keep recipients, messages and mailings of its own. Managers only oversee.
    pub const fn may_own(self) -> bool {
        !matches!(self, Self::Manager)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_owns_nothing() {
        assert!(Role::User.may_own() && Role::Admin.may_own());
        assert!(!Role::Manager.may_own());
    }
}

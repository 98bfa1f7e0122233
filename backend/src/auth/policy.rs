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

    /// Whether this role disables mailings and blocks users: staff.
    pub const fn may_oversee(self) -> bool {
        matches!(self, Self::Manager | Self::Admin)
    }

    /// Whether somebody of this role may be blocked. Staff may not, so nobody blocks himself either.
    pub const fn may_be_blocked(self) -> bool {
        !self.may_oversee()
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

    #[test]
    fn staff_oversees_users_and_not_each_other() {
        for role in Role::ALL {
            assert_eq!(role.may_oversee(), *role != Role::User);
            assert_eq!(role.may_be_blocked(), *role == Role::User);
        }
    }
}

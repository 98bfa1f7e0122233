//! Who may do what, as pure rules.

use crate::core::named::named;
use crate::core::owners::Owners;

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

    /// Whose things the user `id` of this role sees: staff everybody's, a user their own.
    pub const fn sees(self, id: i64) -> Owners {
        if self.may_oversee() {
            Owners::All
        } else {
            Owners::One(id)
        }
    }

    /// Whether the user `id` of this role may change what belongs to this owner: nobody changes what is another's, not
    /// even staff, who see it.
    pub const fn may_change(self, id: i64, owner_id: i64) -> bool {
        self.may_own() && id == owner_id
    }

    /// Whether this role gives roles.
    pub const fn may_appoint(self) -> bool {
        matches!(self, Self::Admin)
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
            assert_eq!(role.may_appoint(), *role == Role::Admin);
        }
    }

    #[test]
    fn staff_sees_everybodys_things_and_changes_no_others() {
        for role in Role::ALL {
            assert_eq!(role.sees(7) == Owners::All, role.may_oversee());
            assert!(!role.may_change(7, 8));
            assert_eq!(role.may_change(7, 7), role.may_own());
        }
        assert_eq!(Role::User.sees(7), Owners::One(7));
    }
}

//! Who may do what, as pure rules.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody is here for. Managers oversee and edit nothing; administrators also give roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    User,
    Manager,
    Admin,
}

impl Role {
    /// As the database keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// The role of this name; the database knows no others.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::Manager, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == name)
    }

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

    #[test]
    fn a_role_is_found_by_its_name() {
        assert_eq!(Role::from_name("manager"), Some(Role::Manager));
        assert_eq!(Role::from_name("root"), None);
    }
}

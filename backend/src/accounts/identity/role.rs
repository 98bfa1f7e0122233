//! Roles and what they permit. Pure.

use crate::core::owners::Owners;
use crate::core::text_enum::text_enum;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// The role of a user. Managers see everything and change nothing; administrators also assign roles.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Role {
    User,
    Manager,
    Admin,
}

text_enum!(Role);

impl Role {
    /// Whether this role may have recipients, messages and mailings of its own.
    pub const fn has_write_access(self) -> bool {
        !matches!(self, Self::Manager)
    }

    /// Whether this role may see the data of all users, disable mailings and block users.
    pub const fn is_staff(self) -> bool {
        matches!(self, Self::Manager | Self::Admin)
    }

    /// The owners whose data the user `id` with this role may read: all for staff, otherwise only the user.
    pub const fn scope(self, id: i64) -> Owners {
        if self.is_staff() {
            Owners::All
        } else {
            Owners::One(id)
        }
    }

    /// Whether the user `id` with this role may change data of this owner. Data of another user cannot be changed, not
    /// even by staff.
    pub const fn may_change(self, id: i64, owner_id: i64) -> bool {
        self.has_write_access() && id == owner_id
    }

    /// Whether this role may assign roles.
    pub const fn is_admin(self) -> bool {
        matches!(self, Self::Admin)
    }

    /// Whether users with this role can be blocked. Staff cannot, which also rules out blocking oneself.
    pub const fn may_be_blocked(self) -> bool {
        !self.is_staff()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_has_no_data_of_their_own() {
        assert!(Role::User.has_write_access() && Role::Admin.has_write_access());
        assert!(!Role::Manager.has_write_access());
    }

    #[test]
    fn staff_can_block_users_but_not_each_other() {
        for role in Role::ALL {
            assert_eq!(role.is_staff(), *role != Role::User);
            assert_eq!(role.may_be_blocked(), *role == Role::User);
            assert_eq!(role.is_admin(), *role == Role::Admin);
        }
    }

    #[test]
    fn staff_see_all_data_and_change_only_their_own() {
        for role in Role::ALL {
            assert_eq!(role.scope(7) == Owners::All, role.is_staff());
            assert!(!role.may_change(7, 8));
            assert_eq!(role.may_change(7, 7), role.has_write_access());
        }
        assert_eq!(Role::User.scope(7), Owners::One(7));
    }
}

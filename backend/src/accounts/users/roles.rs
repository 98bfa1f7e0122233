//! Roles in the database: assigned by administrators, of whom at least one always remains.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use crate::accounts::identity::Role;
use crate::core::db::schema::users;

/// Why a role cannot be assigned.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoleError {
    /// The acting administrator was demoted concurrently.
    #[error("only administrators can assign roles")]
    NotAllowed,
    #[error("this is the last administrator")]
    LastAdmin,
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// A role to be assigned.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoleAssignment {
    /// The administrator.
    pub by: i64,
    pub user_id: i64,
    pub role: Role,
}

/// A change of a role.
#[derive(Debug, Clone)]
pub(super) struct RoleChange {
    pub email: String,
    pub before: Role,
    pub now: Role,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct RoleRow {
    email: String,
    #[diesel(deserialize_as = String)]
    role: Role,
}

/// Assigns a role; `None` if the user already has it.
pub(super) fn assign(
    conn: &mut PgConnection,
    assignment: RoleAssignment,
    now: DateTime<Utc>,
) -> Result<Option<RoleChange>, RoleError> {
    let RoleAssignment { by, user_id, role } = assignment;
    let admins = lock_admins(conn)?;
    // Checked again under the lock, because the cached role of the caller may be five seconds old.
    if !admins.contains(&by) {
        return Err(RoleError::NotAllowed);
    }
    let user = users::table
        .find(user_id)
        .select(RoleRow::as_select())
        .for_no_key_update()
        .first(conn)?;
    if user.role == role {
        return Ok(None);
    }
    if admins == [user_id] {
        return Err(RoleError::LastAdmin);
    }
    diesel::update(users::table.find(user_id))
        .set((users::role.eq(role.as_str()), users::updated_at.eq(now)))
        .execute(conn)?;
    Ok(Some(RoleChange {
        email: user.email,
        before: user.role,
        now: role,
    }))
}

/// The administrators who can sign in, locked in the order of their ids, so that concurrent demotions do not deadlock.
fn lock_admins(conn: &mut PgConnection) -> QueryResult<Vec<i64>> {
    users::table
        .filter(users::role.eq(Role::Admin.as_str()))
        .filter(
            users::blocked_at
                .is_null()
                .and(users::confirmed_at.is_not_null()),
        )
        .order(users::id)
        .select(users::id)
        .for_no_key_update()
        .load(conn)
}

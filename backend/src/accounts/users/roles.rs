//! Roles in the database: given by administrators, of whom one always remains.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use crate::accounts::auth::policy::Role;
use crate::core::db::schema::users;

/// Why a role cannot be given.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoleError {
    /// Whoever wants to give it has just lost the right to.
    #[error("only an administrator gives roles")]
    NotAllowed,
    #[error("nobody else is administrator")]
    LastAdmin,
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// A role that somebody has now, and the one before.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub email: String,
    pub before: Role,
    pub now: Role,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Row {
    email: String,
    #[diesel(deserialize_as = String)]
    role: Role,
}

/// `by` gives a user this role; `None` when they have it already.
pub(super) fn give(
    conn: &mut PgConnection,
    (by, user_id): (i64, i64),
    role: Role,
    now: DateTime<Utc>,
) -> Result<Option<Change>, RoleError> {
    let admins = lock_admins(conn)?;
    // Asked anew under the lock: what is known of a caller may be five seconds old.
    if !admins.contains(&by) {
        return Err(RoleError::NotAllowed);
    }
    let user = users::table
        .find(user_id)
        .select(Row::as_select())
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
    Ok(Some(Change {
        email: user.email,
        before: user.role,
        now: role,
    }))
}

/// The administrators who can sign in, locked in one order: two who demote each other come one after the other.
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

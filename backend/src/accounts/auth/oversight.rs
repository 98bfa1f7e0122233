//! Whose things a caller reads and changes: the rules of `policy`, as answers.

use diesel::QueryResult;

use super::caller::Caller;
use crate::core::owners::Owners;
use crate::web::error::ApiError;

impl Caller {
    /// Whose things the caller sees.
    pub fn sees(self) -> Owners {
        self.role.sees(self.user_id)
    }

    /// Whose things a list shows: all that the caller sees, or those of the owner asked for; 403 for who may not see them.
    pub fn lists(self, owner_id: Option<i64>) -> Result<Owners, ApiError> {
        self.sees()
            .narrowed_to(owner_id)
            .ok_or_else(|| ApiError::forbidden("You see only what is yours; leave owner_id out."))
    }

    /// Looks up the owner of what the caller is about to change, among those whose things they see: what they do not see
    /// is not found (404), what they see and may not change is forbidden (403). Gives the owner, who is the caller.
    pub fn who_may_change(
        self,
        owner_of: impl FnOnce(Owners) -> QueryResult<i64>,
    ) -> Result<i64, ApiError> {
        let owner_id = owner_of(self.sees())?;
        if self.role.may_change(self.user_id, owner_id) {
            Ok(owner_id)
        } else {
            Err(ApiError::forbidden(
                "You may look at this, but not change it.",
            ))
        }
    }
}

//! Whom a preview is for.

use diesel::{OptionalExtension, PgConnection};

use super::content;
use super::model::Preview;
use crate::http::error::{ApiError, FieldError};
use crate::http::site::PublicUrl;
use crate::mail::render::{Person, Template};
use crate::mail::unsubscribe;
use crate::{recipients, users};

/// Who a preview is for when nobody is chosen and the caller has not said their name.
const SAMPLE_NAME: &str = "Ada Lovelace";

/// Somebody who looks at a message before it is mailed.
pub(super) struct Reader {
    email: String,
    full_name: String,
}

impl Reader {
    /// The recipient, or the caller where none is chosen.
    pub(super) fn find(
        conn: &mut PgConnection,
        user_id: i64,
        recipient_id: Option<i64>,
    ) -> Result<Self, ApiError> {
        let Some(id) = recipient_id else {
            let me = users::store::find(conn, user_id)?;
            let named = !me.full_name.trim().is_empty();
            return Ok(Self {
                email: me.email,
                full_name: if named {
                    me.full_name
                } else {
                    SAMPLE_NAME.to_owned()
                },
            });
        };
        let recipient = recipients::store::find(conn, user_id, id).optional()?;
        let recipient = recipient.ok_or_else(|| {
            ApiError::invalid_field("recipient_id", "not_found", "You have no such recipient.")
        })?;
        Ok(Self {
            email: recipient.email,
            full_name: recipient.full_name,
        })
    }

    /// The message as they would get it, but for the link to unsubscribe: following it must harm nobody.
    pub(super) fn preview(
        &self,
        template: &Template,
        site: &PublicUrl,
    ) -> Result<Preview, Vec<FieldError>> {
        let person = Person {
            email: &self.email,
            full_name: &self.full_name,
            unsubscribe_url: &unsubscribe::example(&site.0),
        };
        content::preview(template, &person).map(Preview::from)
    }
}

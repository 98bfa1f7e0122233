//! Whom a preview is for.

use diesel::{OptionalExtension, PgConnection};
use mime::links::Link;
use mime::render::PlaceholderValues;

use super::content::{self, CheckedMessage};
use super::model::Preview;
use crate::accounts::users;
use crate::audience::recipients;
use crate::core::owners::Owners;
use crate::web::error::{ApiError, FieldError};
use crate::web::site::PublicUrl;

/// Who a preview is for when nobody is chosen and the caller has not said their name.
const SAMPLE_NAME: &str = "Ada Lovelace";

/// Somebody who looks at a message before it is mailed.
pub(super) struct PreviewRecipient {
    email: String,
    full_name: String,
}

impl PreviewRecipient {
    /// The caller, as whoever has chosen nobody.
    pub(super) fn caller(conn: &mut PgConnection, user_id: i64) -> Result<Self, ApiError> {
        let me = users::store::find(conn, user_id)?;
        let named = !me.full_name.trim().is_empty();
        Ok(Self {
            email: me.email,
            full_name: if named {
                me.full_name
            } else {
                SAMPLE_NAME.to_owned()
            },
        })
    }

    /// One of the recipients of the message's owner.
    pub(super) fn recipient(
        conn: &mut PgConnection,
        owner_id: i64,
        id: i64,
    ) -> Result<Self, ApiError> {
        let recipient = recipients::store::find(conn, Owners::One(owner_id), id).optional()?;
        let recipient = recipient.ok_or_else(|| {
            ApiError::invalid_field(
                "recipient_id",
                "not_found",
                "The message's owner has no such recipient.",
            )
        })?;
        Ok(Self {
            email: recipient.email,
            full_name: recipient.full_name,
        })
    }

    /// The message as they would get it, but for the links that name a mail: following one must harm nobody.
    pub(super) fn preview(
        &self,
        checked: CheckedMessage,
        site: &PublicUrl,
    ) -> Result<Preview, Vec<FieldError>> {
        let CheckedMessage {
            template,
            mut warnings,
        } = checked;
        let person = PlaceholderValues {
            email: &self.email,
            full_name: &self.full_name,
            unsubscribe_url: &Link::Unsubscribe.example(&site.0),
            view_url: &Link::View.example(&site.0),
        };
        let rendered = content::preview(&template, &person)?;
        let empty = content::empty_subject();
        if !template.has_subject_for(&person) && !warnings.contains(&empty) {
            warnings.push(empty);
        }
        Ok(Preview::new(rendered, warnings))
    }
}

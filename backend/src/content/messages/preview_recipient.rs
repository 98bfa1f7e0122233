//! The recipient of a preview.

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

/// The name in a preview without a recipient, if the caller has no name.
const SAMPLE_NAME: &str = "Ada Lovelace";

/// The person whose values fill in a preview.
pub(super) struct PreviewRecipient {
    email: String,
    full_name: String,
}

impl PreviewRecipient {
    /// The caller, if no recipient is given.
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

    /// The message as this person would get it, but with sample links, which have no effect when followed.
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

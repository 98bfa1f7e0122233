//! Updates a message: between reading and writing it, it is validated on the compute threads.

use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, patch};
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::api::LARGE;
use super::audit::audit;
use super::content::{self, CheckedMessage};
use super::model::{Message, SavedMessage, UpdateMessage};
use super::store;
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::identity::{Caller, Ctx, Origin};
use crate::core::compute::Compute;
use crate::web::body::Valid;
use crate::web::error::{ApiError, FieldError};
use crate::web::etag::{self, Expected};

/// Maximum number of attempts while others change the message as well.
const TRIES: usize = 3;

/// Update a message
///
/// A run that has already started sends the previous version.
#[utoipa::path(tag = "messages", params(("id" = i64, Path, minimum = 1), Expected), request_body = UpdateMessage, responses(
    (status = 200, description = "The updated message", body = SavedMessage, headers(("ETag" = String)))))]
#[patch("/messages/{id}")]
pub(super) async fn update_message(
    ctx: Ctx,
    compute: Data<Compute>,
    id: Path<i64>,
    expected: Expected,
    Valid(changes): Valid<UpdateMessage, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let now = ctx.now();
    let update = Update {
        id: *id,
        caller: ctx.actor,
        expected,
        changes: Arc::new(changes),
        origin: ctx.origin(now),
        now,
    };
    for _ in 0..TRIES {
        let step = update.clone();
        let seen = ctx.transaction(move |conn| step.read(conn)).await?;
        let (owner_id, seen_at, step) = (seen.owner.id, seen.updated_at, update.clone());
        let checked = compute.run(owner_id, move || step.check(&seen)).await?;
        let warnings = checked.map_err(ApiError::invalid)?.warnings;
        let step = update.clone();
        let work = move |conn: &mut _| step.write(conn, seen_at);
        if let Some(message) = ctx.transaction(work).await? {
            let updated_at = message.updated_at;
            return Ok(etag::changed(
                updated_at,
                &SavedMessage { message, warnings },
            ));
        }
    }
    Err(ApiError::unavailable())
}

/// The requested change, and its author.
#[derive(Clone)]
struct Update {
    id: i64,
    caller: Caller,
    expected: Expected,
    changes: Arc<UpdateMessage>,
    origin: Origin,
    now: DateTime<Utc>,
}

impl Update {
    /// The current message, locked until the transaction ends.
    fn read(&self, conn: &mut PgConnection) -> Result<Message, ApiError> {
        let owner_of = |owners| store::owner_of(conn, owners, self.id);
        let owner_id = self.caller.require_ownership(owner_of)?;
        let current = store::lock(conn, owner_id, self.id)?;
        self.expected.check(current.updated_at)?;
        Ok(current)
    }

    /// Whether the message would be valid after the change.
    fn check(&self, current: &Message) -> Result<CheckedMessage, Vec<FieldError>> {
        let changes = &self.changes;
        content::check(
            changes.subject.as_ref().unwrap_or(&current.subject),
            changes.html.as_ref().unwrap_or(&current.html),
            changes.text.as_ref().unwrap_or(&current.text),
        )
    }

    /// The updated message; `None` if it is no longer the one that was validated.
    fn write(
        &self,
        conn: &mut PgConnection,
        checked: DateTime<Utc>,
    ) -> Result<Option<Message>, ApiError> {
        if self.read(conn)?.updated_at != checked {
            return Ok(None);
        }
        let message = store::update(conn, self.id, &self.changes, self.now)?;
        let (id, subject) = (message.id, &message.subject);
        audit(
            conn,
            self.origin.event(EventKind::MessageChanged),
            id,
            subject,
        )?;
        Ok(Some(message))
    }
}

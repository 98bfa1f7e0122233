//! How an attempt ended, and what its row in the log says of it.

use crate::mail::reply::{Reply, Stage};
use crate::mail::verdict::Failure;

/// How an attempt ended.
pub(super) enum Ending {
    Accepted(Reply),
    Failed(Failure),
    Unmakeable(String),
}

/// What an attempt's row says of the conversation.
pub(super) struct Said {
    pub(super) stage: Stage,
    pub(super) code: Option<i16>,
    pub(super) enhanced: Option<String>,
    pub(super) text: String,
}

impl Said {
    pub(super) fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Accepted(reply) => Self::reply(Stage::Dot, reply),
            Ending::Failed(Failure {
                stage,
                reply: Some(reply),
                ..
            }) => Self::reply(*stage, reply),
            Ending::Failed(failure) => Self {
                stage: failure.stage,
                code: None,
                enhanced: None,
                text: failure.detail.clone(),
            },
            Ending::Unmakeable(error) => Self {
                stage: Stage::Compose,
                code: None,
                enhanced: None,
                text: error.clone(),
            },
        }
    }

    fn reply(stage: Stage, reply: &Reply) -> Self {
        Self {
            stage,
            code: i16::try_from(reply.code).ok(),
            enhanced: reply.enhanced.clone(),
            text: reply.text.clone(),
        }
    }
}

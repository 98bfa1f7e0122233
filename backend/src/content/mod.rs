//! What mailings say: messages and images.

pub mod images;
pub mod messages;

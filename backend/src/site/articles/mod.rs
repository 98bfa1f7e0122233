//! Articles: the blog that staff writes and everybody reads.

pub mod api;
pub mod blog;
mod content;
mod feed;
pub mod model;
mod noted;
mod picture;
mod reading;
mod reduced;
pub mod shown;
mod slug;
pub mod store;
pub mod views;

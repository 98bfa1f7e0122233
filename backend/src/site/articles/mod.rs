//! Articles: the blog that staff writes and everybody reads.

pub mod api;
mod audit;
pub mod blog;
mod content;
mod feed;
pub mod model;
mod picture;
mod reading;
mod reduced;
mod slug;
pub mod store;
pub mod view;
pub mod views;

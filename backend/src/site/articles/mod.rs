//! Articles: a public blog, written by managers.

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
mod view_counts;
pub mod views;

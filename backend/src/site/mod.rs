//! The public home page and the blog.

pub mod articles;
pub mod home;

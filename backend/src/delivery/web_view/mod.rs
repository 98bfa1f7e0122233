//! Mails of runs in the browsers of their readers. `readers` authenticates readers by the token of their mail, also when they
//! unsubscribe; `store` reads the message of the mail, `content` renders it again.

pub mod api;
pub mod content;
pub mod model;
pub mod readers;
pub mod store;

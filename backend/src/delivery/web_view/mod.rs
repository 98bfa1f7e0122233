//! Letters: the mails of runs as their readers see them in a browser, signed in nowhere. `readers` knows them by the token of
//! their mail, also when they unsubscribe; `store` finds what the mail was made from, `content` makes the same of it again.

pub mod api;
pub mod content;
pub mod model;
pub mod readers;
pub mod store;

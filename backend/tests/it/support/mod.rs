//! What the tests share: the running app on a database of its own, people in it, and what they say to each other.

pub(crate) mod account_mail;
pub(crate) mod accounts;
pub(crate) mod answer;
pub(crate) mod app;
pub(crate) mod backup;
pub(crate) mod database;
pub(crate) mod live;
pub(crate) mod machine;
pub(crate) mod numbers;
pub(crate) mod own_servers;
pub(crate) mod people;
pub(crate) mod process;
pub(crate) mod sending;
pub(crate) mod shapes;
pub(crate) mod smtp_server;
pub(crate) mod tables;

//! The delivery engine, driven by hand against a scripted mail server.

mod answers;
mod crashes;
mod due;
mod leaving;
mod limited;
mod pace;
mod parallel;
mod races;
mod reconnects;
mod replies;
mod restarts;
mod restored;
mod scene;
mod schedule;
mod several;
mod sharing;
mod soak;
mod stopping;
mod terminated;
mod traces;
mod trouble;

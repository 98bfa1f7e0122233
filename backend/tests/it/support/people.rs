//! People who are signed up and signed in already.

use diesel::prelude::*;
use dispatch::accounts::tokens::access_token::AccessTokens;
use dispatch::core::clock::Clock;
use dispatch::core::db::schema::{sessions, users};

use super::app::TestApp;

/// Somebody with a live session.
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) email: String,
    pub(crate) session_id: i64,
    tokens: AccessTokens,
    clock: Clock,
}

impl Person {
    /// A fresh access token: as long as the session lives, time may pass.
    pub(crate) fn token(&self) -> String {
        self.tokens
            .issue(self.id, self.session_id, self.clock.now())
            .expect("a token")
    }

    pub(crate) fn bearer(&self) -> (&'static str, String) {
        ("authorization", format!("Bearer {}", self.token()))
    }
}

impl TestApp {
    pub(crate) fn alice(&self) -> Person {
        self.person("alice@example.org", "user")
    }

    pub(crate) fn bob(&self) -> Person {
        self.person("bob@example.org", "user")
    }

    pub(crate) fn manager(&self) -> Person {
        self.person("manager@example.org", "manager")
    }

    /// A confirmed user of this role. The password is nobody's: those who sign in by password sign up first.
    pub(crate) fn person(&self, email: &str, role: &str) -> Person {
        let (mut conn, now) = (self.sql(), self.now());
        let id: i64 = diesel::insert_into(users::table)
            .values((
                users::email.eq(email),
                users::password_hash.eq("-"),
                users::role.eq(role),
                users::confirmed_at.eq(now),
                users::created_at.eq(now),
                users::updated_at.eq(now),
            ))
            .returning(users::id)
            .get_result(&mut conn)
            .expect("a new user");
        self.signed_in(id, email)
    }

    /// Somebody who is there already, with a new session.
    pub(crate) fn signed_in(&self, id: i64, email: &str) -> Person {
        let (mut conn, now) = (self.sql(), self.now());
        let session_id: i64 = diesel::insert_into(sessions::table)
            .values((
                sessions::user_id.eq(id),
                sessions::created_at.eq(now),
                sessions::last_used_at.eq(now),
            ))
            .returning(sessions::id)
            .get_result(&mut conn)
            .expect("a new session");
        Person {
            id,
            email: email.to_owned(),
            session_id,
            tokens: self.services.tokens.clone(),
            clock: self.services.clock.clone(),
        }
    }
}

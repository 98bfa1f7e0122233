//! People who come in by the front door: sign-up, mailed link, password.

use std::net::Ipv6Addr;

use diesel::prelude::*;
use dispatch::accounts::auth::links::{self, LinkKind};
use dispatch::accounts::tokens::signed_token::TokenSigner;
use dispatch::core::db::schema::users;
use serde_json::{Value, json};

use super::answer::Answer;
use super::app::TestApp;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A browser that is signed in.
pub(crate) struct Browser {
    /// As it is sent back: `refresh=…`.
    pub(crate) cookie: String,
    pub(crate) access_token: String,
}

impl Browser {
    /// What the answer to a sign-in or a refresh leaves in the browser.
    #[track_caller]
    pub(crate) fn of(answer: Answer) -> Self {
        let cookie = answer.header("set-cookie").to_owned();
        let body = answer.expect(200);
        let (pair, _) = cookie.split_once(';').expect("a cookie with attributes");
        Self {
            cookie: pair.to_owned(),
            access_token: body["access_token"].as_str().expect("a token").to_owned(),
        }
    }

    pub(crate) fn bearer(&self) -> (&'static str, String) {
        ("authorization", format!("Bearer {}", self.access_token))
    }
}

impl TestApp {
    /// A request of somebody who is not signed in. Behind a proxy they come from a network of their own, so that no
    /// earlier run against the same Redis has used up their tries.
    pub(crate) fn call(&self, path: &str, body: &Value) -> Answer {
        let from = Ipv6Addr::from(rand::random::<u128>()).to_string();
        self.send("POST", path, &[("x-forwarded-for", from)], Some(body))
    }

    pub(crate) fn sign_up(&self, email: &str) -> Answer {
        let body = json!({"email": email, "password": PASSWORD});
        self.call("/auth/sign-up", &body)
    }

    pub(crate) fn sign_in(&self, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password});
        self.call("/auth/sign-in", &body)
    }

    /// Presents a refresh cookie.
    pub(crate) fn refresh(&self, cookie: &str) -> Answer {
        let cookie = [("cookie", cookie.to_owned())];
        self.send("POST", "/auth/refresh", &cookie, None)
    }

    /// The token of a link that is mailed to this user.
    pub(crate) fn mailed_token(&self, email: &str) -> String {
        self.token_for(LinkKind::Confirm, email)
    }

    /// The token of a link to a new password.
    pub(crate) fn reset_token(&self, email: &str) -> String {
        self.token_for(LinkKind::Reset, email)
    }

    fn token_for(&self, kind: LinkKind<'_>, email: &str) -> String {
        let (mut conn, now) = (self.sql(), self.now());
        let user_id: i64 = users::table
            .filter(users::email.eq(email))
            .select(users::id)
            .first(&mut conn)
            .expect("a user");
        let token = links::issue(&mut conn, user_id, kind, now).expect("a token");
        TokenSigner::new(&self.services.config.secrets.mailed_tokens).sign(&token)
    }

    pub(crate) fn confirm(&self, token: &str) -> Answer {
        self.call("/auth/confirm", &json!({"token": token}))
    }

    pub(crate) fn forgot(&self, email: &str) -> Answer {
        self.call("/auth/password/forgot", &json!({"email": email}))
    }

    pub(crate) fn reset(&self, token: &str, password: &str) -> Answer {
        let body = json!({"token": token, "password": password});
        self.call("/auth/password/reset", &body)
    }

    /// An account as it is after sign-up and confirmation; its password is `PASSWORD`.
    pub(crate) fn account(&self, email: &str) {
        self.sign_up(email).expect(202);
        self.confirm(&self.mailed_token(email)).expect(204);
    }

    /// The same, signed in.
    pub(crate) fn browser(&self, email: &str) -> Browser {
        self.account(email);
        Browser::of(self.sign_in(email, PASSWORD))
    }

    /// A request with the browser's access token.
    pub(crate) fn ask(&self, browser: &Browser, method: &str, path: &str, body: &Value) -> Answer {
        let body = Some(body).filter(|body| !body.is_null());
        self.send(method, path, &[browser.bearer()], body)
    }

    /// What is asked with the access token: who am I?
    pub(crate) fn me(&self, browser: &Browser) -> Answer {
        self.send("GET", "/me", &[browser.bearer()], None)
    }
}

//! The cookie that carries a session's refresh token: out of reach of scripts and of other sites.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use super::sessions::LIFETIME_DAYS;
use super::token::Secret;

/// How the cookie is called and whether it travels over TLS only.
#[derive(Debug, Clone, Copy)]
pub struct RefreshCookie {
    name: &'static str,
    secure: bool,
}

impl RefreshCookie {
    /// Behind https the browser itself guards the name (`__Host-`: this host, whole site, TLS only). Over plain http, in
    /// development, it would refuse such a cookie.
    pub fn for_site(public_url: &str) -> Self {
        let secure = public_url.starts_with("https://");
        let name = if secure { "__Host-refresh" } else { "refresh" };
        Self { name, secure }
    }

    /// The token a browser sends.
    pub fn read(self, req: &HttpRequest) -> Option<String> {
        req.cookie(self.name)
            .map(|cookie| cookie.value().to_owned())
    }

    /// Hands a token to the browser.
    pub fn carrying(self, token: &Secret) -> Cookie<'static> {
        self.of(token.reveal().to_owned(), Duration::days(LIFETIME_DAYS))
    }

    /// Takes it away.
    pub fn cleared(self) -> Cookie<'static> {
        self.of(String::new(), Duration::ZERO)
    }

    fn of(self, value: String, max_age: Duration) -> Cookie<'static> {
        Cookie::build(self.name, value)
            .path("/")
            .secure(self.secure)
            .http_only(true)
            .same_site(SameSite::Strict)
            .max_age(max_age)
            .finish()
    }
}

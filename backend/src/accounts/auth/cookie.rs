//! The cookie that carries a session's refresh token, inaccessible to scripts and other sites. The token is signed:
//! forged tokens are rejected without a database lookup.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use super::sessions::LIFETIME_DAYS;
use super::signed_token::TokenSigner;
use super::token::Secret;

/// The name of the cookie, whether it requires TLS, and the key that signs its token.
#[derive(Clone)]
pub struct RefreshCookie {
    name: &'static str,
    secure: bool,
    signer: TokenSigner,
}

impl RefreshCookie {
    /// Behind https the browser itself guards the name (`__Host-`: this host, whole site, TLS only). Over plain http, in
    /// development, it would refuse such a cookie.
    pub fn for_site(public_url: &str, key: &[u8; 32]) -> Self {
        let secure = public_url.starts_with("https://");
        let name = if secure { "__Host-refresh" } else { "refresh" };
        let signer = TokenSigner::new(key);
        Self {
            name,
            secure,
            signer,
        }
    }

    /// The token sent by a browser, if it was issued here.
    pub fn read(&self, req: &HttpRequest) -> Option<String> {
        let cookie = req.cookie(self.name)?;
        self.signer.verify(cookie.value()).map(str::to_owned)
    }

    /// Hands a token to the browser.
    pub fn carrying(&self, token: &Secret) -> Cookie<'static> {
        self.of(self.signer.sign(token), Duration::days(LIFETIME_DAYS))
    }

    /// Takes it away.
    pub fn cleared(&self) -> Cookie<'static> {
        self.of(String::new(), Duration::ZERO)
    }

    fn of(&self, value: String, max_age: Duration) -> Cookie<'static> {
        Cookie::build(self.name, value)
            .path("/")
            .secure(self.secure)
            .http_only(true)
            .same_site(SameSite::Strict)
            .max_age(max_age)
            .finish()
    }
}

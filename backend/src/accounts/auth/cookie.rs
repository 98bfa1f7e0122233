//! The cookie that carries a session's refresh token, inaccessible to scripts and other sites. The token is signed:
//! forged tokens are rejected without a database lookup.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use crate::accounts::sessions::store::LIFETIME_DAYS;
use crate::accounts::tokens::secret::SecretToken;
use crate::accounts::tokens::signed_token::TokenSigner;

/// The name of the cookie, whether it requires TLS, and the key that signs its token.
#[derive(Clone)]
pub struct RefreshCookie {
    name: &'static str,
    secure: bool,
    signer: TokenSigner,
}

impl RefreshCookie {
    /// The cookie of the site with this URL. With https its name starts with `__Host-`, so that browsers restrict it to this
    /// host and to TLS. Over plain http, in development, they would reject such a cookie.
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

    /// A cookie with this token.
    pub fn carrying(&self, token: &SecretToken) -> Cookie<'static> {
        self.of(self.signer.sign(token), Duration::days(LIFETIME_DAYS))
    }

    /// A cookie that removes the token from the browser.
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

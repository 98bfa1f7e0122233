//! The cookie that carries a session's refresh token, inaccessible to scripts and other sites. The token is followed
//! by a MAC: forged tokens are rejected without a database lookup.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::sessions::LIFETIME_DAYS;
use super::token::Secret;

/// Separates a token from its MAC; does not occur in tokens.
const SEPARATOR: char = '.';

/// The name of the cookie, whether it requires TLS, and the key of its MAC.
#[derive(Clone)]
pub struct RefreshCookie {
    name: &'static str,
    secure: bool,
    mac: Hmac<Sha256>,
}

impl RefreshCookie {
    /// Behind https the browser itself guards the name (`__Host-`: this host, whole site, TLS only). Over plain http, in
    /// development, it would refuse such a cookie.
    pub fn for_site(public_url: &str, key: &[u8; 32]) -> Self {
        let secure = public_url.starts_with("https://");
        let name = if secure { "__Host-refresh" } else { "refresh" };
        let mac = Hmac::new_from_slice(key)
            .unwrap_or_else(|_never| unreachable!("HMAC takes a key of any length"));
        Self { name, secure, mac }
    }

    /// The token sent by a browser, if it may be one of ours. Cookies issued before the MAC was introduced are valid
    /// until their next use, which replaces them.
    pub fn read(&self, req: &HttpRequest) -> Option<String> {
        let cookie = req.cookie(self.name)?;
        let Some((token, mac)) = cookie.value().split_once(SEPARATOR) else {
            return Secret::may_be(cookie.value()).then(|| cookie.value().to_owned());
        };
        let given = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let mac = self.mac.clone().chain_update(token.as_bytes());
        mac.verify_slice(&given).is_ok().then(|| token.to_owned())
    }

    /// Hands a token to the browser.
    pub fn carrying(&self, token: &Secret) -> Cookie<'static> {
        let token = token.reveal();
        let mac = self.mac.clone().chain_update(token.as_bytes());
        let mac = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        let value = format!("{token}{SEPARATOR}{mac}");
        self.of(value, Duration::days(LIFETIME_DAYS))
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

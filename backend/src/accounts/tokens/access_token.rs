//! Access tokens: JWTs with a lifetime of ten minutes. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

/// Lifetime of an access token in seconds.
pub const ACCESS_LIFETIME_S: i64 = 600;
const ISSUER: &str = "dispatch";
const AUDIENCE: &str = "dispatch-api";
const PURPOSE: &str = "access";

/// Issues and verifies access tokens. Accepts only HS256 (RFC 8725, 3.1).
#[derive(Clone)]
pub struct AccessTokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    /// The session. It is looked up on each request, so that its end invalidates the token.
    sid: i64,
    purpose: String,
    iat: i64,
    exp: i64,
}

/// The user and the session for which a token was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenSubject {
    pub user_id: i64,
    pub session_id: i64,
}

impl AccessTokens {
    /// Tokens signed with this key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
        }
    }

    /// Issues a token for `user_id` in `session_id`, valid for ten minutes.
    pub fn issue(
        &self,
        user_id: i64,
        session_id: i64,
        now: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id.to_string(),
            sid: session_id,
            purpose: PURPOSE.to_owned(),
            iat: now.timestamp(),
            exp: (now + TimeDelta::seconds(ACCESS_LIFETIME_S)).timestamp(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
    }

    /// The user and session of a token, if it is a valid access token that has not expired at `now`.
    pub fn read(&self, token: &str, now: DateTime<Utc>) -> Option<TokenSubject> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The expiry is checked below against the clock of the application.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .ok()?
            .claims;
        let live = claims.purpose == PURPOSE && claims.exp + LEEWAY_S >= now.timestamp();
        let user_id = claims.sub.parse().ok().filter(|_| live)?;
        Some(TokenSubject {
            user_id,
            session_id: claims.sid,
        })
    }
}

/// Tolerated difference between the clocks of two machines.
const LEEWAY_S: i64 = 5;

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[test]
    fn a_token_names_its_session_until_it_expires() {
        let tokens = AccessTokens::new(&[7; 32]);
        let token = tokens.issue(3, 42, now()).unwrap();
        assert_eq!(
            tokens.read(&token, now() + TimeDelta::seconds(ACCESS_LIFETIME_S)),
            Some(TokenSubject {
                user_id: 3,
                session_id: 42
            })
        );
        assert_eq!(
            tokens.read(&token, now() + TimeDelta::seconds(ACCESS_LIFETIME_S + 6)),
            None
        );
    }

    #[test]
    fn a_token_signed_with_another_key_is_rejected() {
        let token = AccessTokens::new(&[7; 32]).issue(3, 42, now()).unwrap();
        assert_eq!(AccessTokens::new(&[8; 32]).read(&token, now()), None);
    }

    #[test]
    fn a_token_without_signature_or_for_another_purpose_is_rejected() {
        let tokens = AccessTokens::new(&[7; 32]);
        let claims = |purpose: &str| Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: "3".into(),
            sid: 42,
            purpose: purpose.into(),
            iat: 0,
            exp: i64::MAX / 2,
        };
        let mailed = jsonwebtoken::encode(
            &Header::new(Algorithm::HS256),
            &claims("confirm"),
            &tokens.encoding,
        )
        .unwrap();
        assert_eq!(tokens.read(&mailed, now()), None);
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims(PURPOSE)).unwrap());
        let unsigned = format!(
            "{}.{body}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#)
        );
        assert_eq!(tokens.read(&unsigned, now()), None);
    }
}

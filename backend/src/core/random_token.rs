//! Random tokens: secrets and names that cannot be guessed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;

/// Bytes of a token: 256 bits.
pub const BYTES: usize = 32;

/// A new token, in URL-safe base64 without padding (43 characters).
pub fn new() -> String {
    let mut bytes = [0_u8; BYTES];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

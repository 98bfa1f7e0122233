//! From an upload to a picture and its name, one at a time; and how pictures are handed out.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;

use super::picture::{Picture, Refusal};
use crate::auth::token::Secret;
use crate::compute::{Bounds, Compute};
use crate::http::error::ApiError;

/// Bytes of an upload.
pub const LARGEST: usize = 5 * 1024 * 1024;
/// What names end in, and what it says of the content.
const KINDS: [(&str, &str); 2] = [(".webp", "image/webp"), (".jpg", "image/jpeg")];

/// One image at a time: a large one takes 200 MB and a processor for a second.
const BOUNDS: Bounds = Bounds {
    threads: 1,
    waiting: 8,
    waiting_in_all: 16,
};

/// Renders images on a dedicated thread.
#[derive(Clone)]
pub struct Drawing(Compute);

impl Default for Drawing {
    fn default() -> Self {
        Self(Compute::new("drawing", BOUNDS))
    }
}

impl Drawing {
    /// Renders an image of this owner when it is their turn. Fails with 422, with 429 if too many jobs of the owner
    /// are waiting, or with 503 if too many are waiting in total.
    pub async fn draw(
        &self,
        owner: i64,
        upload: Bytes,
        how: fn(&[u8]) -> Result<Picture, Refusal>,
    ) -> Result<Picture, ApiError> {
        Ok(self.0.run(owner, move || how(&upload)).await??)
    }
}

/// A name that says nothing and is never used again.
pub fn new_name(picture: &Picture) -> String {
    format!("{}.{}", Secret::random().reveal(), picture.extension)
}

/// The name, if a picture may have it; 404 otherwise. Anything else is not worth a question to the database, which also
/// does not take every character.
pub fn known_name(name: String) -> Result<String, ApiError> {
    if is_name(&name) {
        Ok(name)
    } else {
        Err(ApiError::not_found())
    }
}

/// Whether a picture may be called so.
pub fn is_name(name: &str) -> bool {
    let random = KINDS
        .iter()
        .find_map(|(extension, _)| name.strip_suffix(extension));
    random.is_some_and(|random| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (1..=100).contains(&random.len()) && random.bytes().all(known)
    })
}

/// A picture of this name: there will never be another one.
pub fn for_ever(name: &str, image: Vec<u8>) -> HttpResponse {
    let kind = KINDS
        .iter()
        .find(|(extension, _)| name.ends_with(extension));
    let kind = kind.map_or("application/octet-stream", |(_, kind)| kind);
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(image)
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Unreadable => "unsupported_image",
            Refusal::TooManyPixels => "too_many_pixels",
        };
        Self::invalid_field("image", code, refusal.to_string())
    }
}

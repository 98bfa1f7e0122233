//! Turns uploads into stored pictures, and stored pictures into responses.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;

use super::error::ApiError;
use crate::core::compute::{Bounds, Compute};
use crate::core::picture::{Picture, PictureError};
use crate::core::random_token;

/// Maximum size of an upload in bytes.
pub const MAX_UPLOAD: usize = 5 * 1024 * 1024;
/// File extensions and their content types.
const KINDS: [(&str, &str); 2] = [(".webp", "image/webp"), (".jpg", "image/jpeg")];

/// One image at a time: a large one takes 200 MB and a processor for a second.
const BOUNDS: Bounds = Bounds {
    threads: 1,
    waiting: 8,
    waiting_in_all: 16,
};

/// Renders images on a dedicated thread.
#[derive(Clone)]
pub struct PictureRenderer(Compute);

impl Default for PictureRenderer {
    fn default() -> Self {
        Self(Compute::new("pictures", BOUNDS))
    }
}

impl PictureRenderer {
    /// Renders an image of this owner when it is their turn. Fails with 422, with 429 if too many jobs of the owner
    /// are waiting, or with 503 if too many are waiting in total.
    pub async fn render(
        &self,
        owner: i64,
        upload: Bytes,
        how: fn(&[u8]) -> Result<Picture, PictureError>,
    ) -> Result<Picture, ApiError> {
        Ok(self.0.run(owner, move || how(&upload)).await??)
    }
}

/// A random name, never used again.
pub fn new_name(picture: &Picture) -> String {
    format!("{}.{}", random_token::new(), picture.extension)
}

/// Returns the name if it can be that of a picture, or 404, so that malformed names never reach the database.
pub fn known_name(name: String) -> Result<String, ApiError> {
    if is_name(&name) {
        Ok(name)
    } else {
        Err(ApiError::not_found())
    }
}

/// Whether a picture can have this name.
pub fn is_name(name: &str) -> bool {
    let random = KINDS
        .iter()
        .find_map(|(extension, _)| name.strip_suffix(extension));
    random.is_some_and(|random| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (1..=100).contains(&random.len()) && random.bytes().all(known)
    })
}

/// A response with the picture. It may be cached forever, because names are not reused.
pub fn immutable_response(name: &str, image: Vec<u8>) -> HttpResponse {
    let kind = KINDS
        .iter()
        .find(|(extension, _)| name.ends_with(extension));
    let kind = kind.map_or("application/octet-stream", |(_, kind)| kind);
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(image)
}

impl From<PictureError> for ApiError {
    fn from(refusal: PictureError) -> Self {
        let code = match refusal {
            PictureError::Unreadable => "unsupported_image",
            PictureError::TooManyPixels => "too_many_pixels",
        };
        Self::invalid_field("image", code, refusal.to_string())
    }
}

//! Lists: numbered pages, and pages by cursor for logs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::error::ApiError;
use crate::core::paging::Paging;

/// A page of a list, and the total number of items.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The number of items on all pages.
    #[schema(minimum = 0)]
    pub total: i64,
    #[schema(minimum = 1)]
    pub page: u32,
    #[schema(minimum = 1, maximum = 100)]
    pub per_page: u32,
}

impl Paging {
    /// The page with these items.
    pub fn page<T>(self, items: Vec<T>, total: i64) -> Page<T> {
        Page {
            items,
            total,
            page: self.page,
            per_page: self.per_page,
        }
    }
}

/// A page of a list that is read by key, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CursorPage<T> {
    pub items: Vec<T>,
    /// To be passed as `cursor` for the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// A page of at most `limit` items, made from up to one more, which shows whether there is a next page.
pub fn cursor_page<T, C: Serialize>(
    mut items: Vec<T>,
    limit: u32,
    cursor_of: impl Fn(&T) -> C,
) -> CursorPage<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items
        .last()
        .filter(|_| has_next)
        .and_then(|last| encode(&cursor_of(last)));
    CursorPage { items, next_cursor }
}

fn encode<C: Serialize>(cursor: &C) -> Option<String> {
    serde_json::to_vec(cursor)
        .ok()
        .map(|json| URL_SAFE_NO_PAD.encode(json))
}

/// Decodes the `cursor` of a request; 422 if it is invalid.
pub fn decode<C: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<C>, ApiError> {
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let json = URL_SAFE_NO_PAD.decode(cursor).ok();
    let decoded = json.and_then(|json| serde_json::from_slice(&json).ok());
    decoded.map(Some).ok_or_else(invalid_cursor)
}

/// 422 for a cursor that is not from this list.
pub fn invalid_cursor() -> ApiError {
    ApiError::invalid_field(
        "cursor",
        "wrong_type",
        "Must be a next_cursor of this list.",
    )
}

/// The default of `page`.
pub const fn first_page() -> u32 {
    1
}

/// The default of `per_page`.
pub const fn default_per_page() -> u32 {
    20
}

/// The default of `limit`.
pub const fn default_limit() -> u32 {
    50
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_ends_without_a_cursor() {
        let cursor = |n: &i32| *n;
        assert_eq!(cursor_page(vec![1, 2], 2, cursor).next_cursor, None);
        let more = cursor_page(vec![1, 2, 3], 2, cursor);
        assert_eq!(more.items, [1, 2]);
        assert_eq!(decode::<i32>(more.next_cursor.as_deref()).unwrap(), Some(2));
        assert!(decode::<i32>(Some("nonsense")).is_err());
    }
}

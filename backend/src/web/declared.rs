//! What the headers of a request say of its body: JSON in UTF-8, not compressed. Compressed bodies are not read: their
//! size would be known only once they are decompressed.

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use actix_web::mime::{CHARSET, Mime};

use super::error::ApiError;

/// Names of UTF-8, and of what is a part of it.
const UTF_8: [&str; 3] = ["utf-8", "utf8", "us-ascii"];

/// 415 unless the body is declared as JSON in UTF-8 and not compressed.
pub(super) fn json(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_json = |mime: &Mime| {
        mime.subtype() == "json" || mime.suffix().is_some_and(|suffix| suffix == "json")
    };
    let kind = media_type(headers).filter(is_json).ok_or_else(|| {
        ApiError::unsupported_media_type("Send JSON with Content-Type: application/json.")
    })?;
    let is_utf_8 = |charset: &str| UTF_8.iter().any(|name| charset.eq_ignore_ascii_case(name));
    let mut charsets = kind.params().filter(|(name, _)| *name == CHARSET);
    if !charsets.all(|(_, charset)| is_utf_8(charset.as_str())) {
        return Err(ApiError::unsupported_media_type(
            "Send the JSON in UTF-8, without another charset in Content-Type.",
        ));
    }
    not_compressed(headers)
}

/// 415 if the body is compressed.
pub(super) fn not_compressed(headers: &HeaderMap) -> Result<(), ApiError> {
    let codings = headers.get_all(CONTENT_ENCODING);
    let mut codings = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let is_none = |coding: &[u8]| {
        let coding = coding.trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
    };
    if codings.all(is_none) {
        Ok(())
    } else {
        Err(ApiError::unsupported_media_type(
            "Send the body uncompressed, without Content-Encoding.",
        ))
    }
}

/// The one media type that is declared.
fn media_type(headers: &HeaderMap) -> Option<Mime> {
    let mut declared = headers.get_all(CONTENT_TYPE);
    let kind = without_optional_whitespace(declared.next()?.to_str().ok()?);
    declared
        .next()
        .is_none()
        .then(|| kind.parse().ok())
        .flatten()
}

/// Removes the whitespace that may stand before a semicolon (RFC 9110, 5.6.6), which `mime` does not accept.
fn without_optional_whitespace(kind: &str) -> String {
    let mut is_quoted = false;
    let parts = kind.split_inclusive(|c: char| {
        is_quoted ^= c == '"';
        c == ';' && !is_quoted
    });
    let trimmed = parts.map(|part| match part.strip_suffix(';') {
        Some(before) => format!("{};", before.trim_ascii_end()),
        None => part.trim_ascii_end().to_owned(),
    });
    trimmed.collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn judged(headers: &[(HeaderName, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        json(&map).is_ok()
    }

    #[test]
    fn json_in_utf_8_is_read_whatever_else_the_media_type_says() {
        for kind in [
            "application/json",
            "APPLICATION/JSON",
            "application/problem+json",
            "application/json;charset=utf-8",
            "application/json; charset=\"UTF-8\"",
            "application/json; Charset=UTF8",
            "application/json; charset=us-ascii",
            "application/json; version=1; q=0.5",
            "application/json; profile=\"https://example.org/a;b\"",
            "application/json;",
            "application/json ; charset=utf-8",
            "application/json ; profile=\"a ; b\" ; charset=utf-8 ",
        ] {
            assert!(judged(&[(CONTENT_TYPE, kind)]), "{kind}");
        }
    }

    #[test]
    fn another_charset_or_media_type_is_unsupported() {
        for kind in [
            "application/json; charset=utf-16",
            "application/json; charset=windows-1251",
            "application/json; charset=\"\"",
            "application/json; charset=utf-8; charset=koi8-r",
            "application/json; charset",
            "application/json, text/plain",
            "application/jsonp",
            "text/plain",
            "json",
            "",
        ] {
            assert!(!judged(&[(CONTENT_TYPE, kind)]), "{kind}");
        }
        let twice = ["application/json", "text/plain"].map(|kind| (CONTENT_TYPE, kind));
        assert!(!judged(&twice) && !judged(&[]));
    }

    #[test]
    fn a_compressed_body_is_unsupported() {
        for (coding, expected) in [
            ("identity", true),
            ("Identity, identity", true),
            ("", true),
            ("gzip", false),
            ("x-gzip", false),
            ("br", false),
            ("zstd", false),
            ("deflate", false),
            ("gzip, gzip", false),
            ("identity, br", false),
            ("unknown", false),
        ] {
            let headers = [
                (CONTENT_TYPE, "application/json"),
                (CONTENT_ENCODING, coding),
            ];
            assert_eq!(judged(&headers), expected, "{coding}");
        }
    }
}

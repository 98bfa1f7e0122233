//! CSV for spreadsheets: read and sent part by part, so that a log of millions needs no more memory than a page of it.

use std::future::{Future, ready};

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use futures_util::stream::{StreamExt, once, try_unfold};

use super::downloads::Download;
use super::error::ApiError;

/// By this spreadsheets know that the text is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Some rows, and where those that follow begin; `None` after the last.
pub struct Part<P, const N: usize> {
    pub rows: Vec<[String; N]>,
    pub next: Option<P>,
}

/// The file that consists of these columns and all parts, each read when the client has taken the one before; when it
/// leaves, no more is read. The first is read before the answer begins: what is wrong by then is answered properly.
pub async fn answer<P, Read, Reading, const N: usize>(
    download: Download,
    file_name: &str,
    columns: [&str; N],
    read: Read,
) -> Result<HttpResponse, ApiError>
where
    P: 'static,
    Read: Fn(Option<P>) -> Reading + 'static,
    Reading: Future<Output = Result<Part<P, N>, ApiError>> + 'static,
{
    let first = read(None).await?;
    let mut head = BYTE_ORDER_MARK.as_bytes().to_vec();
    head.extend(text(&[columns.map(ToOwned::to_owned)])?);
    head.extend(text(&first.rows)?);
    let rest = try_unfold((first.next, download), move |(next, download)| {
        let reading = next.map(|place| read(Some(place)));
        async move {
            let Some(reading) = reading else {
                return Ok(None);
            };
            let part = reading.await?;
            Ok(Some((
                Bytes::from(text(&part.rows)?),
                (part.next, download),
            )))
        }
    });
    let parts = once(ready(Ok::<_, ApiError>(Bytes::from(head)))).chain(rest);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        // Clients save it as a file; it must not be cached on the way.
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{file_name}\""),
        ))
        .streaming(parts.map(|part| part.map_err(actix_web::Error::from))))
}

fn text<const N: usize>(rows: &[[String; N]]) -> Result<Vec<u8>, ApiError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        let cells = row.iter().map(|cell| harmless(cell));
        writer.write_record(cells).map_err(ApiError::internal)?;
    }
    writer.into_inner().map_err(ApiError::internal)
}

/// What a spreadsheet would take for a formula, as the text that it is.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for begins in ["=", "+", "-", "@", "\t", "\r"] {
            let cell = format!("{begins}cmd|' /C calc'!A0");
            let text = String::from_utf8(text(&[[cell.clone()]]).unwrap()).unwrap();
            assert!(text.trim_start_matches('"').starts_with('\''), "{text}");
            assert!(text.contains(&cell), "{text}");
        }
        assert_eq!(harmless("2.0.0 Ok"), "2.0.0 Ok");
    }

    #[test]
    fn commas_quotes_and_line_breaks_stay_within_their_cell() {
        let row = ["a, \"b\"\nc".to_owned(), String::new()];
        let text = text(std::slice::from_ref(&row)).unwrap();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(&*text);
        let read: Vec<[String; 2]> = reader.deserialize().map(Result::unwrap).collect();
        assert_eq!(read, [row]);
    }
}

//! CSV for spreadsheets, read and sent in parts, so that the memory does not depend on the number of rows.

use std::future::{Future, ready};

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use futures_util::stream::{StreamExt, once, try_unfold};

use super::downloads::Download;
use super::error::ApiError;

/// Tells spreadsheets that the text is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Some rows, and the position of the following ones; `None` after the last.
pub struct CsvPart<P, const N: usize> {
    pub rows: Vec<[String; N]>,
    pub next: Option<P>,
}

/// A response with a file of these columns. Each part is read when the client has received the previous one, and none after
/// the client has disconnected. The first is read before the response starts, so that its errors get a proper status.
pub async fn respond<P, Read, Reading, const N: usize>(
    download: Download,
    file_name: &str,
    columns: [&str; N],
    read: Read,
) -> Result<HttpResponse, ApiError>
where
    P: 'static,
    Read: Fn(Option<P>) -> Reading + 'static,
    Reading: Future<Output = Result<CsvPart<P, N>, ApiError>> + 'static,
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
        // Must not be stored by caches.
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
        let cells = row.iter().map(|cell| escape_formula(cell));
        writer.write_record(cells).map_err(ApiError::internal)?;
    }
    writer.into_inner().map_err(ApiError::internal)
}

/// Prevents a spreadsheet from interpreting the cell as a formula.
fn escape_formula(cell: &str) -> String {
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
        assert_eq!(escape_formula("2.0.0 Ok"), "2.0.0 Ok");
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

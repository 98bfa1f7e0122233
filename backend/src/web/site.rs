//! Where the site is, and the built web application beside the API: hashed assets for ever, everything else is `index.html`.

use std::path::{Path, PathBuf};

use actix_files::{Files, NamedFile};
use actix_web::Error;
use actix_web::dev::{ServiceRequest, ServiceResponse, fn_service};
use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, ServiceConfig};

use super::headers;

/// Under which address readers and browsers find the site: links begin with it, never with what a request says.
#[derive(Debug, Clone)]
pub struct PublicUrl(pub String);

/// Adds the routes. A missing asset is a 404, never `index.html`: a browser would take the page for the script.
pub fn serve(config: &mut ServiceConfig, dir: PathBuf) {
    let index = dir.join("index.html");
    let page = fn_service(move |req: ServiceRequest| {
        let index = index.clone();
        async move { answer_with(&index, req).await }
    });
    let immutable_response =
        DefaultHeaders::new().add((CACHE_CONTROL, "public, max-age=31536000, immutable"));
    let ask_again = DefaultHeaders::new().add((CACHE_CONTROL, "no-cache"));
    let assets = Files::new("/", dir.join("assets")).prefer_utf8(true);
    let others = Files::new("/", dir)
        .index_file("index.html")
        .prefer_utf8(true)
        .default_handler(page);
    config
        .service(
            web::scope("/assets")
                .wrap(immutable_response)
                .service(assets),
        )
        .service(web::scope("").wrap(ask_again).service(others));
}

async fn answer_with(index: &Path, req: ServiceRequest) -> Result<ServiceResponse, Error> {
    let (req, _) = req.into_parts();
    let mut page = NamedFile::open_async(index).await?.into_response(&req);
    if let Some((name, value)) = headers::of_page(req.path()) {
        page.headers_mut().insert(name, value);
    }
    Ok(ServiceResponse::new(req, page))
}

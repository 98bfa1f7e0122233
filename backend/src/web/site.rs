//! The URL of the site, and the static files of the web application: hashed assets, and `index.html` for all other paths.

use std::path::{Path, PathBuf};

use actix_files::{Files, NamedFile};
use actix_web::Error;
use actix_web::dev::{ServiceRequest, ServiceResponse, fn_service};
use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, ServiceConfig};

use super::headers;

/// The public URL of the site. Links start with it, never with data from a request.
#[derive(Debug, Clone)]
pub struct PublicUrl(pub String);

/// Adds the routes. A missing asset is a 404, not `index.html`, which a browser would interpret as a script.
pub fn serve(config: &mut ServiceConfig, dir: PathBuf) {
    let index = dir.join("index.html");
    let page = fn_service(move |req: ServiceRequest| {
        let index = index.clone();
        async move { serve_page(&index, req).await }
    });
    let immutable_response =
        DefaultHeaders::new().add((CACHE_CONTROL, "public, max-age=31536000, immutable"));
    let revalidated_response = DefaultHeaders::new().add((CACHE_CONTROL, "no-cache"));
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
        .service(web::scope("").wrap(revalidated_response).service(others));
}

async fn serve_page(index: &Path, req: ServiceRequest) -> Result<ServiceResponse, Error> {
    let (req, _) = req.into_parts();
    let mut page = NamedFile::open_async(index).await?.into_response(&req);
    if let Some((name, value)) = headers::of_page(req.path()) {
        page.headers_mut().insert(name, value);
    }
    Ok(ServiceResponse::new(req, page))
}

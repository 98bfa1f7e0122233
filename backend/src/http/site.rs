//! Serves the built web application beside the API: hashed assets for ever, everything else is `index.html`.

use std::path::PathBuf;

use actix_files::NamedFile;
use actix_web::HttpResponse;
use actix_web::dev::{ServiceRequest, fn_service};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, ServiceConfig};

/// Adds the routes. A missing asset is a 404, never `index.html`: a browser would take the page for the script.
pub fn serve(config: &mut ServiceConfig, dir: PathBuf) {
    let index = dir.join("index.html");
    let page = fn_service(move |req: ServiceRequest| {
        let index = index.clone();
        async move {
            if !matches!(*req.method(), Method::GET | Method::HEAD) {
                return Ok(req.into_response(
                    HttpResponse::MethodNotAllowed()
                        .insert_header(("Allow", "GET, HEAD"))
                        .finish(),
                ));
            }
            let (req, _) = req.into_parts();
            let mut answer = NamedFile::open_async(index).await?.into_response(&req);
            answer
                .headers_mut()
                .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            Ok(actix_web::dev::ServiceResponse::new(req, answer))
        }
    });
    let immutable =
        DefaultHeaders::new().add((CACHE_CONTROL, "public, max-age=31536000, immutable"));
    config
        .service(
            web::scope("/assets")
                .wrap(immutable)
                .service(actix_files::Files::new("/", dir.join("assets")).prefer_utf8(true)),
        )
        .service(
            actix_files::Files::new("/", dir)
                .prefer_utf8(true)
                .default_handler(page),
        );
}

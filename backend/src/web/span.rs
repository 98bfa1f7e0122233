//! The tracing span of a request. It contains the route instead of the path, which may contain the token of a link, or search
//! terms.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{DefaultRootSpanBuilder, RootSpanBuilder};

use super::request_id::RequestIdentifier;

/// Creates the span of a request and records the result.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(req: &ServiceRequest) -> Span {
        let request_id = RequestIdentifier::assign(req);
        // At the highest level, so that a log that is limited to errors contains the span.
        tracing::error_span!(
            "request",
            http.method = %req.method(),
            http.route = req.match_pattern().as_deref().unwrap_or("unknown"),
            request_id = %request_id.as_str(),
            http.status_code = Empty,
            otel.status_code = Empty,
            exception.message = Empty,
            exception.details = Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        DefaultRootSpanBuilder::on_request_end(span, outcome);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::web::Path;
    use actix_web::{App, HttpResponse, get};
    use tracing::Level;
    use tracing_actix_web::TracingLogger;

    use super::*;

    /// The captured log.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[get("/unsubscribe/{token}")]
    async fn handler(_token: Path<String>) -> HttpResponse {
        tracing::info!("a reader unsubscribed");
        tracing::warn!("and it took long");
        HttpResponse::NoContent().finish()
    }

    /// The log of a request at this level.
    async fn logged(level: Level) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let logging = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(level)
            .with_writer(move || writer.clone())
            .finish();
        let _logging = tracing::subscriber::set_default(logging);
        let app = App::new()
            .wrap(TracingLogger::<RequestSpan>::new())
            .service(handler);
        let request = TestRequest::get().uri("/unsubscribe/secret?q=ada@example.org");
        let app = init_service(app).await;
        assert_eq!(call_service(&app, request.to_request()).await.status(), 204);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[actix_web::test]
    async fn a_log_line_contains_the_route_but_no_token_and_no_search_term() {
        let logged = logged(Level::INFO).await;
        assert!(
            logged.contains("a reader unsubscribed")
                && logged.contains("/unsubscribe/{token}")
                && logged.contains("request_id="),
            "{logged}"
        );
        assert!(
            !logged.contains("secret") && !logged.contains("ada"),
            "{logged}"
        );
    }

    #[actix_web::test]
    async fn a_log_limited_to_warnings_contains_the_request() {
        let logged = logged(Level::WARN).await;
        assert!(!logged.contains("a reader unsubscribed"), "{logged}");
        assert!(
            logged.contains("and it took long")
                && logged.contains("/unsubscribe/{token}")
                && logged.contains("request_id="),
            "{logged}"
        );
    }
}

//! What every line of the log says of the request it belongs to: its route, not its address. An address may hold the
//! token of a link or, in a search, somebody's name.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{DefaultRootSpanBuilder, RootSpanBuilder};

use super::request_id::RequestName;

/// Opens a request's span, and closes it with how it was answered.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(req: &ServiceRequest) -> Span {
        let request_id = RequestName::give(req);
        // Of the highest level: a log that is told only of failures is to say whose they are.
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

    /// What has been logged.
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

    /// What is logged of a request, down to this level.
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
    async fn a_line_names_the_route_and_neither_token_nor_search() {
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
    async fn a_log_that_is_told_only_of_trouble_says_which_request_met_it() {
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

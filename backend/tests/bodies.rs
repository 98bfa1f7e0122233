//! The cost of a request is proportional to its size, whatever its shape. A separate test binary with a counting
//! allocator.

#![expect(clippy::unwrap_used, reason = "tests fail on anything unexpected")]

#[path = "it/support/shapes.rs"]
mod shapes;

use std::alloc;
use std::time::{Duration, Instant};

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::from_fn;
use actix_web::rt::System;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, Error, HttpResponse};
use dispatch::accounts::auth::model::{SignIn, SignUp};
use dispatch::audience::recipients::model::RecipientQuery;
use dispatch::content::messages::model::{CreateMessage, MessageQuery};
use dispatch::delivery::attempts::model::AttemptQuery;
use dispatch::delivery::deliveries::model::RetryDeliveries;
use dispatch::delivery::mailings::model::{CreateMailing, UpdateMailing};
use dispatch::delivery::smtp_servers::model::CreateSmtpServer;
use dispatch::web::body::Valid;
use dispatch::web::problems::problems;
use dispatch::web::query::Query;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde::de::DeserializeOwned;
use shapes::{Shape, shapes};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use validator::Validate;

#[global_allocator]
static ALLOCATED: &StatsAlloc<alloc::System> = &INSTRUMENTED_SYSTEM;

const SMALL: usize = 8 * 1024;
const LARGE: usize = 64 * 1024;
/// Maximum size of a response in bytes: twenty paths of 200 characters, each written as an escape of six.
const LONGEST_ANSWER: usize = 32 * 1024;
/// Maximum number of bytes allocated for each byte of a body, freed or not: this bounds memory in use, and exposes
/// repeated copying.
const ALLOCATED_PER_BYTE: usize = 40;
/// Allocated regardless of the size: the request, the response, the types of a document.
const ALLOCATED_ALWAYS: usize = 512 * 1024;
/// Quadratic time would grow by a factor of 64.
const LONGER: u32 = 24;
/// Shorter times are not comparable.
const MOMENT: Duration = Duration::from_millis(2);

async fn take<T>(_: Valid<T>) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

async fn ask<T>(_: Query<T>) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// One operation for each kind of request, identified by its path.
fn operations(config: &mut ServiceConfig) {
    fn post<T: DeserializeOwned + Validate + 'static>(config: &mut ServiceConfig, path: &str) {
        config.route(path, web::post().to(take::<T>));
    }
    fn get<T: DeserializeOwned + Validate + 'static>(config: &mut ServiceConfig, path: &str) {
        config.route(path, web::get().to(ask::<T>));
    }
    post::<SignIn>(config, "/0");
    post::<SignUp>(config, "/1");
    post::<CreateMailing>(config, "/2");
    post::<UpdateMailing>(config, "/3");
    post::<RetryDeliveries>(config, "/4");
    post::<CreateMessage>(config, "/5");
    post::<CreateSmtpServer>(config, "/6");
    get::<RecipientQuery>(config, "/0");
    get::<MessageQuery>(config, "/1");
    get::<AttemptQuery>(config, "/2");
}

/// The cost of a request.
#[derive(Debug)]
struct Cost {
    allocated: usize,
    answer: usize,
    time: Duration,
}

/// Sends a request three times; returns the minimum cost.
async fn cost<R, B: MessageBody>(
    app: &impl Service<R, Response = ServiceResponse<B>, Error = Error>,
    request: impl Fn() -> R,
) -> Cost {
    let mut least: Option<Cost> = None;
    for _ in 0..3 {
        let request = request();
        let (region, begun) = (Region::new(ALLOCATED), Instant::now());
        let answer = app.call(request).await.unwrap();
        let status = answer.status();
        let answer = to_bytes(answer.into_body()).await.ok().unwrap();
        let (time, change) = (begun.elapsed(), region.change());
        assert!(!status.is_server_error(), "{status}");
        let known = least.as_ref().map_or(Duration::MAX, |known| known.time);
        least = Some(Cost {
            allocated: change.bytes_allocated,
            answer: answer.len(),
            time: time.min(known),
        });
    }
    least.unwrap()
}

/// Fails unless the cost of the large request is proportional.
fn compare(small: &Cost, large: &Cost) -> Result<(), TestCaseError> {
    for (cost, size) in [(small, SMALL), (large, LARGE)] {
        let most = ALLOCATED_PER_BYTE * size + ALLOCATED_ALWAYS;
        prop_assert!(cost.allocated <= most, "{size}: {cost:?}");
        prop_assert!(cost.answer <= LONGEST_ANSWER, "{size}: {cost:?}");
    }
    let most = small.time.max(MOMENT) * LONGER;
    prop_assert!(large.time <= most, "{small:?} {large:?}");
    Ok(())
}

/// A query string of this size, made of the same pieces as bodies.
fn query(shape: &Shape, size: usize) -> String {
    let plain = |text: &str| percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string();
    let (name, item) = (
        plain(&shape.character.repeat(shape.name.min(size / 8))),
        plain(shape.item),
    );
    let pair = if shape.distinct {
        format!("{name}={item}&")
    } else {
        format!("{}={name}&", plain(shape.field))
    };
    let mut query = pair.repeat(size / pair.len());
    query.pop();
    query
}

/// A single test: allocations of concurrent tests would be counted.
#[test]
fn a_request_costs_no_more_than_its_size_whatever_its_shape() {
    let system = System::new();
    let app = App::new().wrap(from_fn(problems)).configure(operations);
    let app = system.block_on(init_service(app));
    let mut runner = TestRunner::new(Config::with_cases(400));
    let body = |shape: &Shape, operation: usize, size| {
        let (body, path) = (shape.body(size), format!("/{operation}"));
        move || {
            TestRequest::post()
                .uri(&path)
                .insert_header((CONTENT_TYPE, "application/json"))
                .set_payload(body.clone())
                .to_request()
        }
    };
    let searched = |shape: &Shape, operation: usize, size| {
        let path = format!("/{}?{}", operation % 3, query(shape, size));
        move || TestRequest::get().uri(&path).to_request()
    };
    let compared = runner.run(&(shapes(), 0..7_usize), |(shape, operation)| {
        system.block_on(async {
            let small = cost(&app, body(&shape, operation, SMALL)).await;
            let large = cost(&app, body(&shape, operation, LARGE)).await;
            compare(&small, &large)?;
            let small = cost(&app, searched(&shape, operation, SMALL)).await;
            // An address cannot be longer.
            let large = cost(&app, searched(&shape, operation, LARGE - 100)).await;
            compare(&small, &large)
        })
    });
    compared.unwrap();
}

//! The running app: a real HTTP server on a free port over a database of its own, with a clock that the test moves.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use dispatch::app::Services;
use dispatch::config::Config;
use dispatch::core::clock::Clock;
use serde_json::Value;

use super::answer::Answer;
use super::database::Database;
use super::people::Person;

/// Everything a test talks to.
pub(crate) struct TestApp {
    pub(crate) services: Services,
    pub(crate) address: SocketAddr,
    agent: ureq::Agent,
    server: Option<(ServerHandle, JoinHandle<()>)>,
    pub(crate) database: Database,
}

impl TestApp {
    /// An app that nobody has used yet, on 1 May 2026, 10:00 UTC; its mail server is one that nobody runs.
    pub(crate) fn start() -> Self {
        Self::start_with(&[("SMTP_URL", "smtp://127.0.0.1:9")])
    }

    /// The same with other settings.
    pub(crate) fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_tuned(settings, |_| {})
    }

    /// The same with changes that no setting can make.
    pub(crate) fn start_tuned(settings: &[(&str, &str)], tune: impl FnOnce(&mut Config)) -> Self {
        Self::start_over(Database::create(), settings, tune)
    }

    /// On a database that has been used already.
    pub(crate) fn start_on(database: Database) -> Self {
        Self::start_over(database, &[("SMTP_URL", "smtp://127.0.0.1:9")], |_| {})
    }

    fn start_over(
        database: Database,
        settings: &[(&str, &str)],
        tune: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = config(&database.url, settings);
        tune(&mut config);
        let services = Services::new(config, Clock::fixed(noon()));
        let (address, handle, thread) = serve(services.clone());
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        Self {
            services,
            address,
            agent,
            server: Some((handle, thread)),
            database,
        }
    }

    /// A connection to the app's database, for arranging things and for looking behind the API.
    pub(crate) fn sql(&self) -> PgConnection {
        self.database.connect()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.services.clock.now()
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, time: TimeDelta) {
        self.services.clock.advance(time);
    }

    pub(crate) fn get(&self, person: &Person, path: &str) -> Answer {
        self.send("GET", path, &[person.bearer()], None)
    }

    pub(crate) fn post(&self, person: &Person, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[person.bearer()], Some(body))
    }

    pub(crate) fn patch(&self, person: &Person, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, &[person.bearer()], Some(body))
    }

    pub(crate) fn delete(&self, person: &Person, path: &str) -> Answer {
        self.send("DELETE", path, &[person.bearer()], None)
    }

    /// Any request; paths are those below `/api/v1`.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<&Value>,
    ) -> Answer {
        let url = format!("http://{}/api/v1{path}", self.address);
        self.send_to(&url, method, headers, body)
    }

    /// Any request to any address of the app.
    pub(crate) fn send_to(
        &self,
        url: &str,
        method: &str,
        headers: &[(&str, String)],
        body: Option<&Value>,
    ) -> Answer {
        let request = request(url, method, headers);
        match body {
            Some(body) => {
                let json = request.header("content-type", "application/json");
                answer(
                    self.agent
                        .run(json.body(body.to_string()).expect("a request")),
                )
            }
            None => answer(self.agent.run(request.body(()).expect("a request"))),
        }
    }

    /// A request with a body of any kind; paths are those below `/api/v1`.
    pub(crate) fn send_text(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &str,
    ) -> Answer {
        self.send_bytes(method, path, headers, body.as_bytes())
    }

    /// The same with a body that is no text.
    pub(crate) fn send_bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Answer {
        let url = format!("http://{}/api/v1{path}", self.address);
        let request = request(&url, method, headers);
        answer(self.agent.run(request.body(body).expect("a request")))
    }
}

pub(super) fn request(
    url: &str,
    method: &str,
    headers: &[(&str, String)],
) -> ureq::http::request::Builder {
    headers.iter().fold(
        ureq::http::Request::builder().method(method).uri(url),
        |request, (name, value)| request.header(*name, value),
    )
}

pub(super) fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = response.expect("the app answers");
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                value.to_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    let bytes = response.body_mut().read_to_vec().expect("a body");
    Answer {
        status: response.status().as_u16(),
        headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        bytes,
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.server.take() {
            drop(handle.stop(false));
            thread.join().expect("the server ends without a panic");
        }
    }
}

/// The fewest rounds that bcrypt knows: most tests have no use for a quarter of a second per password.
const QUICK_HASH: u32 = 4;

/// When every test begins.
pub(crate) fn noon() -> DateTime<Utc> {
    "2026-05-01T10:00:00Z".parse().expect("a time")
}

fn config(database_url: &str, settings: &[(&str, &str)]) -> Config {
    let defaults = [
        ("DATABASE_URL", database_url),
        ("DB_POOL_SIZE", "4"),
        ("BIND", "127.0.0.1:0"),
        ("APP_SECRET", "a secret that only the tests know of"),
        ("LIMITS", "0"),
        ("CACHE", "off"),
    ];
    let all: Vec<_> = settings.iter().chain(&defaults).collect();
    let mut config = Config::read(|name| {
        all.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
    .expect("the tests' settings are valid");
    config.auth.password_cost = QUICK_HASH;
    config
}

fn serve(services: Services) -> (SocketAddr, ServerHandle, JoinHandle<()>) {
    let (started, ready) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let (server, address) = services.server(1).expect("a free port");
            started
                .send((address, server.handle()))
                .expect("the test waits");
            server.await.expect("the server ends in order");
        });
    });
    let (address, handle) = ready.recv().expect("the server starts");
    (address, handle, thread)
}

//! What must hold whatever a client sends. Where it can, a test takes its operations from the OpenAPI document, so that a
//! new one is not forgotten.

mod canaries;
mod declared;
mod dependencies;
mod headers;
mod heads;
mod hostile;
mod inputs;
mod json;
mod races;
mod searches;
mod slowness;
mod strangers;
mod timing;
mod tokens;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;

/// An operation of the document.
#[derive(Debug)]
struct Operation {
    method: String,
    /// Below `/api/v1`.
    path: String,
    /// The names and schemas of its query's parameters.
    query: Vec<(String, Value)>,
    /// The schema of its JSON body, references resolved.
    body: Option<Value>,
    statuses: Vec<u16>,
}

/// All there are.
fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(dispatch::app::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(|(method, operation)| Operation::of(&document, path, method, operation))
    });
    operations.collect()
}

impl Operation {
    fn of(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let statuses = operation["responses"].as_object().unwrap().keys();
        Self {
            method: method.to_uppercase(),
            path: path.strip_prefix("/api/v1").unwrap().to_owned(),
            query: parameters
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| {
                    let name = parameter["name"].as_str().unwrap().to_owned();
                    (name, parameter["schema"].clone())
                })
                .collect(),
            body: body.is_object().then(|| resolved(document, body)),
            statuses: statuses.map(|status| status.parse().unwrap()).collect(),
        }
    }

    /// Its path with something in place of what is left open.
    fn at(&self, id: &str) -> String {
        let parts = self.path.split('/').map(|part| match part {
            part if part.starts_with('{') => id,
            part => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Fails unless the answer is one that the document knows, and no confession; failures must be problems.
    #[track_caller]
    fn check(&self, answer: &Answer, asked: &str) {
        let Self { method, path, .. } = self;
        let said = format!(
            "{method} {path} {asked:.200}: {} {}",
            answer.status, answer.body
        );
        assert!(answer.status < 500, "{said}");
        assert!(
            self.statuses.contains(&answer.status),
            "not documented: {said}"
        );
        if answer.status >= 400 {
            assert_eq!(
                answer.header("content-type"),
                "application/problem+json",
                "{said}"
            );
            assert!(answer.body["code"].is_string(), "{said}");
        }
    }
}

/// A schema with what it refers to in its place, as deep as requests go.
fn resolved(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        return resolved(document, &document["components"]["schemas"][name]);
    }
    match schema {
        Value::Object(parts) => parts
            .iter()
            .map(|(name, part)| (name.clone(), resolved(document, part)))
            .collect(),
        Value::Array(parts) => parts.iter().map(|part| resolved(document, part)).collect(),
        other => other.clone(),
    }
}

/// Somebody who may do most, with something of every kind, the first of its kind.
fn administrator(app: &TestApp) -> Person {
    let admin = app.person("admin@example.org", "admin");
    app.recipient(&admin, "friend@example.org");
    let message = app.message(&admin);
    app.mailing(
        &admin,
        &json!({"message_id": message, "recurrence": "daily"}),
    );
    let enemy = json!({"email": "enemy@example.org"});
    app.post(&admin, "/suppressions", &enemy).expect(201);
    admin
}

/// What the app says to exactly these bytes, until it closes the connection.
fn say(app: &TestApp, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.address).unwrap();
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("the app closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

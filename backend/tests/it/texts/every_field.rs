//! All text fields of all requests, taken from the OpenAPI document, so that new ones are included.

use serde_json::{Map, Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;

/// Exceptions: whole documents, shown in their own frame or sanitized; and values that are only compared.
const EXEMPT: [&str; 4] = ["html", "text", "token", "invitation"];
/// Any input is answered in the same way.
const EXEMPT_AT: (&str, &str) = ("/api/v1/auth/sign-in", "email");

/// An operation, and the dotted name of one of its text fields.
struct Field {
    method: String,
    path: String,
    /// A valid body except for the value of the field.
    body: Value,
    name: String,
}

/// The OpenAPI document, with lookup helpers.
struct Document(Value);

impl Document {
    fn schema<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let either = ["oneOf", "anyOf"]
            .iter()
            .find_map(|key| schema[key].as_array());
        let chosen = either.and_then(|some| some.iter().find(|one| one["$ref"].is_string()));
        let schema = chosen.unwrap_or(schema);
        match schema["$ref"].as_str() {
            Some(path) => self.0.pointer(path.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// A valid value.
    fn example(&self, schema: &Value) -> Value {
        let found = self.schema(schema);
        let given = [
            &schema["example"],
            &found["example"],
            &found["default"],
            &found["enum"][0],
        ];
        if let Some(value) = given.into_iter().find(|value| !value.is_null()) {
            return value.clone();
        }
        match (kind(found), found["format"].as_str()) {
            ("object", _) => Value::Object(self.body(found)),
            ("string", Some("date-time")) => json!("2026-06-01T10:00:00Z"),
            ("string", _) => json!("abc"),
            ("boolean", _) => json!(true),
            ("array", _) => json!([1]),
            _ => found["minimum"].as_i64().unwrap_or(1).into(),
        }
    }

    fn body(&self, schema: &Value) -> Map<String, Value> {
        let needed = schema["required"].as_array().into_iter().flatten();
        needed
            .map(|name| name.as_str().unwrap())
            .map(|name| (name.to_owned(), self.example(&schema["properties"][name])))
            .collect()
    }

    /// A body with the object that contains this field.
    fn body_around(&self, schema: &Value, name: &str) -> Value {
        let mut body = self.body(schema);
        if let Some((outer, _)) = name.split_once('.') {
            let inner = self.schema(&schema["properties"][outer]);
            body.insert(outer.to_owned(), self.body(inner).into());
        }
        Value::Object(body)
    }

    fn text_fields(&self, schema: &Value, before: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let (dotted, inner) = (format!("{before}{name}"), self.schema(property));
            let is_text = kind(inner) == "string"
                && inner["format"].is_null()
                && inner["enum"].is_null()
                && property["writeOnly"] != true;
            if kind(inner) == "object" {
                found.extend(self.text_fields(inner, &format!("{dotted}.")));
            } else if is_text && !EXEMPT.contains(&name.as_str()) {
                found.push(dotted);
            }
        }
        found
    }

    fn fields(&self) -> Vec<Field> {
        let mut found = Vec::new();
        for (path, operations) in self.0["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                let schema = self.schema(schema);
                let names = self.text_fields(schema, "");
                let names = names
                    .into_iter()
                    .filter(|name| (path.as_str(), name.as_str()) != EXEMPT_AT);
                found.extend(names.map(|name| Field {
                    method: method.to_uppercase(),
                    path: path.trim_start_matches("/api/v1").replace("{id}", "1"),
                    body: self.body_around(schema, &name),
                    name,
                }));
            }
        }
        found
    }
}

fn kind(schema: &Value) -> &str {
    let kinds = schema["type"].as_array();
    let first = kinds.and_then(|kinds| kinds.iter().find(|kind| *kind != "null"));
    first
        .unwrap_or(&schema["type"])
        .as_str()
        .unwrap_or("object")
}

impl Field {
    fn asked(&self, app: &TestApp, person: &Person, text: &str) -> Answer {
        let mut body = self.body.clone();
        let mut place = &mut body;
        for name in self.name.split('.') {
            place = &mut place[name];
        }
        *place = json!(text);
        let headers = [person.bearer()];
        app.send(&self.method, &self.path, &headers, Some(&body))
    }

    fn refuses(&self, app: &TestApp, person: &Person, text: &str) -> bool {
        let answer = self.asked(app, person, text);
        let blamed = answer.body["fields"].as_array().into_iter().flatten();
        let mut blamed = blamed.filter_map(|field| field["field"].as_str());
        answer.status == 422 && blamed.any(|field| field == self.name)
    }
}

fn fields() -> Vec<Field> {
    let document = serde_json::to_value(dispatch::app::document()).unwrap();
    let fields = Document(document).fields();
    for name in [
        "full_name",
        "comment",
        "subject",
        "title",
        "reason",
        "excerpt",
        "from_name",
        "recipients.q",
        "dkim.domain",
    ] {
        assert!(
            fields.iter().any(|field| field.name == name),
            "{name} is not found"
        );
    }
    fields
}

#[test]
fn no_text_field_takes_a_direction_that_stays_open() {
    let app = TestApp::start();
    let admin = app.person("admin@example.org", "admin");
    for field in fields() {
        for text in [
            "\u{202E}abc",
            "a\u{2066}bc",
            "abc\u{202A}",
            "a\u{2069}bc",
            "\u{202D}ab\u{2069}c",
        ] {
            // Filters are matched and not stored.
            let selects = field.name.ends_with('q');
            assert!(
                selects || field.refuses(&app, &admin, text),
                "{} {} {} {text:?}",
                field.method,
                field.path,
                field.name
            );
        }
    }
}

#[test]
fn a_field_of_one_line_takes_no_line_break_of_any_kind() {
    let app = TestApp::start();
    let admin = app.person("admin@example.org", "admin");
    let of_one_line = fields()
        .into_iter()
        .filter(|field| field.refuses(&app, &admin, "ab\ncd"));
    for field in of_one_line {
        for text in ["ab\u{2028}cd", "ab\u{2029}cd", "ab\u{85}cd", "ab\u{B}cd"] {
            assert!(
                field.refuses(&app, &admin, text),
                "{} {} {} {text:?}",
                field.method,
                field.path,
                field.name
            );
        }
    }
}

//! What the API answered.

use std::collections::HashMap;

use serde_json::Value;

/// Status, headers (names in lower case), the JSON body (`null` when there is none) and the body as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The body, if the status is the expected one; otherwise the test fails and says what came instead.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Fails unless this is a problem of `status` with `code`.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status, self.body["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert!(
            self.body["request_id"]
                .as_str()
                .is_some_and(|id| !id.is_empty()),
            "{}",
            self.body
        );
        self.body
    }

    /// Fails unless this is a 422 that blames exactly this field with this code.
    #[track_caller]
    pub(crate) fn expect_invalid(self, field: &str, code: &str) {
        let body = self.expect_problem(422, "validation_failed");
        let blamed: Vec<_> = body["fields"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|f| (f["field"].as_str(), f["code"].as_str()))
            .collect();
        assert_eq!(blamed, [(Some(field), Some(code))], "{body}");
    }

    /// Fails unless this is a 422 that blames exactly this field, with whatever code.
    #[track_caller]
    pub(crate) fn expect_invalid_named(self, field: &str) {
        let body = self.expect_problem(422, "validation_failed");
        let blamed: Vec<_> = body["fields"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|f| f["field"].as_str())
            .collect();
        assert_eq!(blamed, [Some(field)], "{body}");
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The new thing's id, from a 201.
    #[track_caller]
    pub(crate) fn id(self) -> i64 {
        self.expect(201)["id"].as_i64().expect("an id")
    }
}

//! A mailing watched through the API, as a page does it.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::Value;

use super::answer::Answer;
use super::app::{TestApp, answer, request};
use super::people::Person;

/// A stream that says nothing for so long has been forgotten.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream of events, closed when this is dropped.
pub(crate) struct Stream {
    /// Status and headers; the body is what the stream says.
    pub(crate) head: Answer,
    lines: BufReader<ureq::BodyReader<'static>>,
}

impl Stream {
    /// Opens the stream of a mailing, wherever the API is; `Err` is the refusal.
    pub(crate) fn open(
        api: &str,
        mailing: i64,
        headers: &[(&str, String)],
    ) -> Result<Self, Answer> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let url = format!("{api}/api/v1/mailings/{mailing}/live");
        let request = request(&url, "GET", headers).body(()).expect("a request");
        let response = agent.run(request);
        let began = response.as_ref().is_ok_and(|it| it.status() == 200);
        if !began {
            return Err(answer(response));
        }
        let (head, body) = response.expect("it began").into_parts();
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| {
            let value = value.to_str().unwrap_or_default();
            (name.to_string(), value.to_owned())
        });
        Ok(Self {
            head: Answer {
                status: 200,
                headers: headers.collect(),
                body: Value::Null,
                bytes: Vec::new(),
            },
            lines: BufReader::new(body.into_reader()),
        })
    }

    /// The next line that says something; `None` at the end.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.lines.read_line(&mut line).expect("a stream") > 0 {
            if line != "\n" {
                return Some(line.trim_end().to_owned());
            }
            line.clear();
        }
        None
    }

    /// The mailing as the next event has it; `None` when the stream ends instead.
    pub(crate) fn mailing(&mut self) -> Option<Value> {
        while self.line()? != "event: mailing" {}
        let data = self.line().expect("an event has data");
        let data = data.strip_prefix("data: ").expect("data in one line");
        Some(serde_json::from_str(data).expect("JSON"))
    }

    /// Reads until the mailing is as it is wanted.
    #[track_caller]
    pub(crate) fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        std::iter::from_fn(|| self.mailing())
            .find(wanted)
            .expect("the stream goes on until then")
    }

    /// Reads to the end.
    pub(crate) fn drain(mut self) {
        while self.line().is_some() {}
    }
}

impl TestApp {
    /// The stream of a mailing that this person sees.
    #[track_caller]
    pub(crate) fn watch(&self, person: &Person, mailing: i64) -> Stream {
        match self.try_to_watch(mailing, &[person.bearer()]) {
            Ok(stream) => stream,
            Err(refusal) => panic!("{} {}", refusal.status, refusal.body),
        }
    }

    pub(crate) fn try_to_watch(
        &self,
        mailing: i64,
        headers: &[(&str, String)],
    ) -> Result<Stream, Answer> {
        Stream::open(&format!("http://{}", self.address), mailing, headers)
    }
}

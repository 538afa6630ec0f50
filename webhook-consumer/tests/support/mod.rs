//! The format of the case files.

use std::fmt::Write;

use webhook_receiver::{Log, Response};

use crate::platform::{FakePlatform, FakeRequest, NOW};

const GIVEN: &str = "--- given\n";
const REQUEST: &str = "--- request\n";

/// The parts of a case file.
pub struct Case<'a> {
    given: &'a str,
    request: &'a str,
}

impl<'a> Case<'a> {
    pub fn parse(text: &'a str) -> Self {
        let text = text.strip_prefix(GIVEN).expect(GIVEN);
        let (given, request) = text.split_once(REQUEST).expect(REQUEST);
        Self {
            given,
            request: request.strip_suffix('\n').expect("a request line"),
        }
    }

    /// Returns the lines of the first part, split into name and value.
    fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.given.lines();
        lines.map(|line| line.split_once(' ').expect(line))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let mut lines = self.given();
        lines.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    pub fn platform(&self) -> FakePlatform {
        let platform = FakePlatform::default();
        platform.set_variable("open_handshake", "true");
        platform.set_variable("weakest_scheme", "plain");
        for (name, value) in self.given() {
            match name {
                "key" => platform.put("signing-key-data", value),
                "previous" => platform.put("signing-key-previous", value),
                "store" => platform.store_fails.set(true),
                "database" => platform.database_fails.set(true),
                "late" => platform.now.set(NOW + value.parse::<u64>().expect(value)),
                "body" | "bytes" => {}
                variable => platform.set_variable(variable, value),
            }
        }
        platform
    }

    pub fn request(&self) -> FakeRequest {
        let (head, body) = self
            .request
            .split_once("\n\n")
            .unwrap_or((self.request, ""));
        let mut lines = head.lines();
        let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
        let headers = lines.map(|line| line.split_once(": ").expect(line));
        let body = match (self.value("body"), self.value("bytes")) {
            (Some(length), _) => vec![b'x'; length.parse().unwrap()],
            (_, Some(digits)) => hex::decode(digits).unwrap(),
            _ => body.as_bytes().to_vec(),
        };
        FakeRequest {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: Some(body),
        }
    }
}

/// Formats response, log and stored keys as the case files have them.
pub fn render(response: &Response, platform: &FakePlatform, log: &Log) -> String {
    let mut text = format!("{}\n", response.status);
    for (name, value) in &response.headers {
        let value = std::str::from_utf8(value).unwrap();
        writeln!(text, "{name}: {value}").unwrap();
    }
    let body = std::str::from_utf8(&response.body).unwrap();
    write!(text, "\n{body}\n\n{}", log.text()).unwrap();
    if let Some(key) = platform.stored("signing-key-data") {
        writeln!(text, "\nstored: {key}").unwrap();
    }
    if let Some(previous) = platform.stored("signing-key-previous") {
        writeln!(text, "previous: {previous}").unwrap();
    }
    for (name, value) in platform.store.borrow().iter() {
        if !["signing-key-data", "signing-key-previous"].contains(&name.as_str()) {
            let value = String::from_utf8_lossy(value);
            writeln!(text, "stored under {name}: {value}").unwrap();
        }
    }
    text
}

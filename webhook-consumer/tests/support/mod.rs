//! A platform and a request made of a case file.

use std::cell::RefCell;
use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use webhook_consumer::{Answer, BodyError, Log, Platform, PlatformError, Request, read_bounded};

const GIVEN: &str = "--- given\n";
const REQUEST: &str = "--- request\n";
const EXPECTED: &str = "--- expected\n";

/// A case file in its parts.
pub struct Case<'a> {
    given: &'a str,
    request: &'a str,
    pub expected: &'a str,
}

impl<'a> Case<'a> {
    pub fn parse(text: &'a str) -> Self {
        let text = text.strip_prefix(GIVEN).expect(GIVEN);
        let (given, text) = text.split_once(REQUEST).expect(REQUEST);
        let (request, expected) = text.split_once(EXPECTED).expect(EXPECTED);
        Self {
            given,
            request: request.strip_suffix('\n').expect("a request line"),
            expected,
        }
    }

    pub fn with_expected(&self, outcome: &str) -> String {
        let Self { given, request, .. } = self;
        format!("{GIVEN}{given}{REQUEST}{request}\n{EXPECTED}{outcome}")
    }

    fn given(&self, name: &str) -> Option<String> {
        let mut lines = self.given.lines().filter_map(|line| line.split_once(' '));
        lines
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    }

    pub fn request(&self) -> FakeRequest {
        let (head, body) = self
            .request
            .split_once("\n\n")
            .unwrap_or((self.request, ""));
        let mut lines = head.lines();
        let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
        let headers = lines.map(|line| line.split_once(": ").expect(line));
        let body = match (self.given("body"), self.given("bytes")) {
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

pub struct FakeRequest {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Request for FakeRequest {
    fn method(&self) -> String {
        self.method.clone()
    }

    fn target(&self) -> String {
        self.target.clone()
    }

    fn header(&self, name: &str) -> Vec<Vec<u8>> {
        let matching = self.headers.iter();
        matching
            .filter(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
            .collect()
    }

    fn body(&mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let body = self.body.take().expect("the body is asked for once");
        let mut chunks = body.chunks(64 * 1024);
        read_bounded(limit, || Ok(chunks.next().map(<[u8]>::to_vec)))
    }
}

/// A store of one key, and the HMAC of another library.
pub struct FakePlatform {
    key: RefCell<Option<Vec<u8>>>,
    token: String,
    store_fails: bool,
}

impl FakePlatform {
    pub fn of(case: &Case) -> Self {
        Self {
            key: RefCell::new(case.given("key").map(String::into_bytes)),
            token: case.given("token").unwrap_or_default(),
            store_fails: case.given("store").as_deref() == Some("fails"),
        }
    }

    fn store(&self, doing: &'static str) -> Result<&RefCell<Option<Vec<u8>>>, PlatformError> {
        if self.store_fails {
            let cause = "the disk is full".to_owned();
            return Err(PlatformError { doing, cause });
        }
        Ok(&self.key)
    }
}

impl Platform for FakePlatform {
    fn load_key(&self) -> Result<Option<Vec<u8>>, PlatformError> {
        Ok(self.store("reading the signing key")?.borrow().clone())
    }

    fn store_key(&self, key: &[u8]) -> Result<(), PlatformError> {
        let store = self.store("storing the signing key")?;
        store.replace(Some(key.to_vec()));
        Ok(())
    }

    fn handshake_token(&self) -> Result<String, PlatformError> {
        Ok(self.token.clone())
    }

    fn verify(&self, data: &[u8], key: &[u8], tag: &[u8]) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(data);
        hex::decode(tag).is_ok_and(|tag| mac.verify_slice(&tag).is_ok())
    }
}

/// Answer, log and stored key as the case files have them.
pub fn render(answer: &Answer, platform: &FakePlatform, log: &Log) -> String {
    let mut text = format!("{} {}\n", answer.status, answer.content_type);
    if let Some(allow) = answer.allow {
        writeln!(text, "Allow: {allow}").unwrap();
    }
    let body = std::str::from_utf8(&answer.body).unwrap();
    write!(text, "{body}\n\n{}", log.text()).unwrap();
    if let Some(key) = platform.key.borrow().as_deref() {
        let key = std::str::from_utf8(key).unwrap();
        writeln!(text, "\nstored: {key}").unwrap();
    }
    text
}

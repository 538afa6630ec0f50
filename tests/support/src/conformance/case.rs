//! The cases of the file, and the settings of an app for each.

use base64ct::{Base64, Encoding};
use serde_json::Value;

use super::exchange::Response;
use crate::components;

/// The minimum length in bytes of a key that a handshake accepts.
const KEY_MIN_BYTES: usize = 16;

/// A request and its expected outcome.
pub struct Case {
    pub name: String,
    pub keys: Vec<String>,
    /// The headers. Each character of a value is one byte.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub expect: Value,
    now: u64,
    tolerance: u64,
    weakest: String,
    over_http: bool,
}

/// The settings that cases must have in common to share a process.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    pub now: u64,
    pub tolerance: u64,
    pub weakest: String,
    /// The keys, newest first, of a process that keeps them from its start. `None` if each case sets
    /// its own key.
    pub own_keys: Option<Vec<String>>,
}

/// Loads every case of the file.
pub fn load() -> Vec<Case> {
    let path = components::root().join("crates/webhook-signature/tests/conformance.json");
    let file = std::fs::read(path).expect("the file can be read");
    let file: Value = serde_json::from_slice(&file).expect("the file is JSON");
    let cases = file["verify"].as_array().expect("a list");
    cases.iter().map(Case::of).collect()
}

impl Case {
    fn of(case: &Value) -> Self {
        let headers = case["headers"].as_array().expect("a list").iter();
        Self {
            name: text(&case["name"]),
            keys: texts(&case["keys"]),
            headers: headers
                .map(|header| (text(&header[0]), text(&header[1])))
                .collect(),
            body: Base64::decode_vec(&text(&case["body"])).expect("base64"),
            expect: case["expect"].clone(),
            now: number(&case["now"]),
            tolerance: number(&case["tolerance"]),
            weakest: text(&case["weakest"]),
            over_http: case["over_http"] != false,
        }
    }

    /// Returns the settings for the case, or `None` if HTTP cannot carry it.
    pub fn setting(&self) -> Option<Setting> {
        let by_handshake = matches!(self.keys.as_slice(), [key] if key.len() >= KEY_MIN_BYTES);
        self.over_http.then(|| Setting {
            now: self.now,
            tolerance: self.tolerance,
            weakest: self.weakest.clone(),
            own_keys: (!by_handshake).then(|| self.keys.clone()),
        })
    }

    /// Returns `true` if all headers are ASCII.
    pub fn is_ascii(&self) -> bool {
        self.headers.iter().all(|(_, value)| value.is_ascii())
    }

    /// Returns `true` if a conforming consumer would send this response.
    pub fn conforms(&self, response: &Response) -> bool {
        let code = response.code.as_deref();
        match self.expect["refused"].as_str() {
            None => response.status == 200,
            Some("no-match") if self.keys.is_empty() => {
                response.status == 400 && code == Some("no-key")
            }
            Some(refused) => response.status == 400 && code == Some(refused),
        }
    }
}

impl Setting {
    /// Returns the options that store the oldest key at the start, if a handshake would reject it.
    pub fn store_options(&self) -> Vec<String> {
        let oldest = self.own_keys.iter().flatten().last();
        let short = oldest.filter(|key| key.len() < KEY_MIN_BYTES);
        short.map_or(Vec::new(), |key| {
            vec!["--key-value".to_owned(), format!("signing-key-data={key}")]
        })
    }

    /// Returns the keys to set by handshake, oldest first.
    pub fn handshake_keys(&self) -> impl Iterator<Item = &String> {
        let keys = self.own_keys.iter().flatten().rev();
        keys.skip(self.store_options().len() / 2)
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    let texts = value.as_array().expect("a list").iter();
    texts.map(text).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

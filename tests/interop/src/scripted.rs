//! The references that run in a script.

use std::rc::Rc;
use std::time::SystemTime;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use crate::process::Process;
use crate::reference::{Backend, Headers, Message, Request};
use crate::{Bodies, Form, Reference};

/// A reference in a script: its key in the script, and its properties.
pub struct Entry {
    pub key: &'static str,
    pub name: &'static str,
    pub forms: &'static [Form],
    pub bodies: Bodies,
    pub signs: bool,
    pub has_clock: bool,
}

struct Scripted {
    process: Rc<Process>,
    key: &'static str,
    code: Option<String>,
}

impl Entry {
    /// Returns a reference for each form. `code` is the receiver to run, for those that run one.
    pub fn references(
        &self,
        process: &Rc<Process>,
        code: Option<&str>,
    ) -> impl Iterator<Item = Reference> {
        self.forms.iter().map(move |form| Reference {
            name: self.name,
            form: *form,
            bodies: self.bodies,
            signs: self.signs,
            has_clock: self.has_clock,
            backend: Box::new(Scripted {
                process: process.clone(),
                key: self.key,
                code: code.map(str::to_owned),
            }),
        })
    }
}

impl Backend for Scripted {
    fn sign(&self, form: Form, secret: &str, message: Message<'_>) -> Headers {
        let reply = self.process.call(&json!({
            "do": "sign",
            "reference": self.key,
            "form": form.name(),
            "secret": secret,
            "id": message.id,
            "timestamp": message.timestamp,
            "body": Base64::encode_string(message.body),
        }));
        headers(&reply["headers"])
    }

    fn verify(&self, form: Form, secret: &str, request: &Request) -> bool {
        let reply = self.process.call(&json!({
            "do": "verify",
            "reference": self.key,
            "form": form.name(),
            "secret": secret,
            "headers": request.headers,
            "body": Base64::encode_string(&request.body),
            "now": now(),
            "code": self.code,
        }));
        reply["accepted"].as_bool().expect("a bool")
    }
}

fn headers(reply: &Value) -> Headers {
    serde_json::from_value(reply.clone()).expect("a list of names and values")
}

/// Returns the time of the clock that the libraries use, for receivers that take it as a parameter.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock past 1970").as_secs()
}

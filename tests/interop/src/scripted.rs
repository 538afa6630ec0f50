//! The judges that a script has.

use std::rc::Rc;
use std::time::SystemTime;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use crate::judge::{Headers, Message, Request, Voice};
use crate::process::Process;
use crate::{Bodies, Form, Judge};

/// A judge of a script: how the script calls it, and what there is to know of it.
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
    /// A judge a form. `code` is for those who run what they are told.
    pub fn judges(&self, process: &Rc<Process>, code: Option<&str>) -> impl Iterator<Item = Judge> {
        self.forms.iter().map(move |form| Judge {
            name: self.name,
            form: *form,
            bodies: self.bodies,
            signs: self.signs,
            has_clock: self.has_clock,
            voice: Box::new(Scripted {
                process: process.clone(),
                key: self.key,
                code: code.map(str::to_owned),
            }),
        })
    }
}

impl Voice for Scripted {
    fn sign(&self, form: Form, secret: &str, message: Message<'_>) -> Headers {
        let answer = self.process.ask(&json!({
            "do": "sign",
            "judge": self.key,
            "form": form.name(),
            "secret": secret,
            "id": message.id,
            "timestamp": message.timestamp,
            "body": Base64::encode_string(message.body),
        }));
        headers(&answer["headers"])
    }

    fn verify(&self, form: Form, secret: &str, request: &Request) -> bool {
        let answer = self.process.ask(&json!({
            "do": "verify",
            "judge": self.key,
            "form": form.name(),
            "secret": secret,
            "headers": request.headers,
            "body": Base64::encode_string(&request.body),
            "now": now(),
            "code": self.code,
        }));
        answer["accepted"].as_bool().expect("yes or no")
    }
}

fn headers(answer: &Value) -> Headers {
    serde_json::from_value(answer.clone()).expect("a list of names and values")
}

/// The clock that the libraries go by, for the receivers that are told the time.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock past 1970").as_secs()
}

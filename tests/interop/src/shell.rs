//! The shell receiver of `docs/SIGNATURES.md`.

use std::process::Command;

use crate::openssl::piped;
use crate::reference::{Backend, Headers, Message, Request, header};
use crate::scripted::now;
use crate::{Bodies, Form, Reference, document};

struct Shell {
    code: String,
}

pub fn reference() -> Reference {
    Reference {
        name: "docs/SIGNATURES.md, shell",
        form: Form::V1,
        bodies: Bodies::Any,
        signs: false,
        has_clock: true,
        backend: Box::new(Shell {
            code: document::receiver("sh", "verify()") + "verify \"$@\"\n",
        }),
    }
}

impl Backend for Shell {
    fn sign(&self, _: Form, _: &str, _: Message<'_>) -> Headers {
        panic!("a receiver does not sign")
    }

    fn verify(&self, _: Form, secret: &str, request: &Request) -> bool {
        let mut command = Command::new("sh");
        command.args(["-c", &self.code, "sh", secret]);
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            command.arg(header(&request.headers, name));
        }
        let (status, _) = piped(command.arg(now().to_string()), &request.body);
        status.success()
    }
}

//! Where Spin hands a request over.
#![allow(unsafe_code)] // the macro's expansion takes the request and the answer over by handle

use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;
use webhook_receiver::Log;
use webhook_receiver::spin::{Incoming, Spin, send, write_log};

use super::pass::pass;
use crate::{Outcome, guard};

#[http_component]
fn handle(request: IncomingRequest, response: ResponseOutparam) {
    let mut log = Log::of("GUARD");
    let mut response = Some(response);
    let outcome = guard(
        &mut Incoming::new(request),
        &Spin::default(),
        &mut log,
        |passing| pass(passing, &mut response),
    );
    write_log(&log);
    match (outcome, response) {
        (Outcome::Own(answer), Some(response)) => send(answer, response),
        (Outcome::Own(_), None) => {
            // A host whose terminal is gone fails the write, which is no reason to panic.
            let line = b"the client has received a response already\n";
            let _ = std::io::Write::write_all(&mut std::io::stderr(), line);
        }
        (Outcome::Apps(rest), response) => rest.finish(response),
    }
}

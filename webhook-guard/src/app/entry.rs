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
    let outcome = guard(
        &mut Incoming::new(request),
        &Spin::default(),
        &mut log,
        pass,
    );
    write_log(&log);
    match outcome {
        Outcome::Own(answer) => send(answer, response),
        Outcome::Apps(answer) => answer.relay(response),
    }
}

//! The entry point of the Spin component.
#![allow(clippy::disallowed_macros)] // the macro's expansion prints its errors
#![allow(unsafe_code)] // the macro's expansion receives the request and the response as handles

use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;
use webhook_receiver::Log;
use webhook_receiver::spin::{Incoming, Spin, send, write_log};

use super::forward::forward;
use crate::{Outcome, guard};

#[http_component]
fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
    let mut log = Log::of("GUARD");
    let mut outparam = Some(outparam);
    let outcome = guard(
        &mut Incoming::new(request),
        &Spin::default(),
        &mut log,
        |request| forward(request, &mut outparam),
    );
    write_log(&log);
    match (outcome, outparam) {
        (Outcome::Own(response), Some(outparam)) => send(response, outparam),
        (Outcome::Own(_), None) => {
            // The write fails if the host has no terminal, which must not cause a panic.
            let line = b"the client has already received a response\n";
            let _ = std::io::Write::write_all(&mut std::io::stderr(), line);
        }
        (Outcome::Apps(rest), outparam) => rest.finish(outparam),
    }
}

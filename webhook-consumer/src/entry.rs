//! The entry point of the Spin component.
#![allow(clippy::disallowed_macros)] // the macro's expansion prints its errors
#![allow(unsafe_code)] // the macro's expansion receives the request and the response as handles

use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;
use webhook_receiver::Log;
use webhook_receiver::spin::{Incoming, Spin, send, write_log};

use crate::respond;

#[http_component]
fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
    let mut log = Log::of("CONSUMER");
    let mut request = Incoming::new(request);
    let response = respond(&mut request, &Spin::default(), &mut log);
    write_log(&log);
    send(response, outparam);
}

//! Where Spin hands a request over.
#![allow(unsafe_code)] // the macro's expansion takes the request and the answer over by handle

use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;
use webhook_receiver::Log;
use webhook_receiver::spin::{Incoming, Spin, send, write_log};

use crate::answer;

#[http_component]
fn handle(request: IncomingRequest, response: ResponseOutparam) {
    let mut log = Log::of("CONSUMER");
    let mut request = Incoming::new(request);
    let answer = answer(&mut request, &Spin::default(), &mut log);
    write_log(&log);
    send(answer, response);
}

//! Where Spin hands a request over.
#![allow(unsafe_code)] // the macro's expansion takes the request and the answer over by handle

use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;
use wasi::cli::stdout::get_stdout;

use super::{incoming::Incoming, outgoing, spin::Spin, stream::write_all};
use crate::{Log, answer};

#[http_component]
fn handle(request: IncomingRequest, response: ResponseOutparam) {
    let mut log = Log::default();
    let answer = answer(&mut Incoming::new(request), &Spin, &mut log);
    write_log(&log);
    outgoing::send(answer, response);
}

/// Past the standard library, whose first line out asks the platform about every terminal and
/// descriptor there is; in an instance that lives for one request, each line is the first.
///
/// A log that cannot be written is no reason to answer otherwise.
fn write_log(log: &Log) {
    let _ = write_all(&get_stdout(), log.text().as_bytes());
}

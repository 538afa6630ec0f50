//! The entry point, which dispatches requests to operations.
#![allow(unsafe_code)] // the expansion of the macro uses handles of the request and the response

use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;

use crate::call::Call;
use crate::reply::{Outcome, Reply};
use crate::streaming::{self, Chunks};
use crate::{faults, kv, outbound, postgres, redis, relay, sqlite, system, trust, variable};

#[http_component]
fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
    let call = Call::new(request);
    let outcome = match call.operation.as_str() {
        "/echo-body" => return streaming::echo_body(&call, outparam),
        "/no-response" => return,
        "/relay" => match relay::Target::of(&call) {
            Ok(target) => return target.relay(call.request, outparam),
            Err(usage) => Err(usage),
        },
        "/late-trap" => faults::trap_late(&call, outparam),
        "/stream" => match Chunks::of(&call) {
            Ok(chunks) => return chunks.send(outparam),
            Err(usage) => Err(usage),
        },
        _ => reply(&call),
    };
    outcome
        .unwrap_or_else(|usage| Reply::text(usage).status(400))
        .send(outparam);
}

fn reply(call: &Call) -> Outcome {
    let operation = call.operation.as_str();
    if let Some(operation) = operation.strip_prefix("/kv/") {
        return kv::reply(operation, call);
    }
    if let Some(operation) = operation.strip_prefix("/postgres/") {
        return match operation {
            "open-trusting" => trust::open(call),
            _ => postgres::reply(operation, call),
        };
    }
    if let Some(operation) = operation.strip_prefix("/redis/") {
        return redis::reply(operation, call);
    }
    if let Some(operation) = operation.strip_prefix("/sqlite/") {
        return sqlite::reply(operation, call);
    }
    match operation {
        "/hello" => Ok(Reply::text("hello")),
        "/echo" => system::echo(call),
        "/env" => system::environment(),
        "/args" => system::arguments(),
        "/variable" => variable::reply(call),
        "/outbound" => outbound::reply(call),
        "/stdout" => system::write_out(std::io::stdout(), call),
        "/stderr" => system::write_out(std::io::stderr(), call),
        "/trap" => faults::trap(),
        "/panic" => panic!("the probe was asked to panic"),
        "/loop" => faults::spin_for_ever(),
        "/memory" => faults::memory(call),
        "/exit" => faults::exit(call),
        "/slow" => system::slow(call),
        "/status" => system::status(call),
        "/random" => system::randomness(call),
        "/now" => system::now(),
        "/fs" => system::file(call),
        "/socket" => system::socket(call),
        "/resolve" => system::resolve(call),
        _ => Ok(Reply::text(format!("there is no operation `{operation}`")).status(404)),
    }
}

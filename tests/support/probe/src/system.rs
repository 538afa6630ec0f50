//! The request itself, and interfaces of WASI: environment, clocks, randomness, files, sockets.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use spin_sdk::http::Scheme;
use wasi::clocks::monotonic_clock;
use wasi::filesystem::preopens;
use wasi::random::random;

use crate::call::Call;
use crate::reply::{Outcome, Reply, show_body};
use crate::variant;

pub fn echo(call: &Call) -> Outcome {
    let request = &call.request;
    let headers: Vec<(String, String)> = request
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let body = call.body()?;
    let head = json!({
        "method": request.method().to_string(),
        "uri": request.path_with_query(),
        "scheme": request.scheme().map(scheme_text),
        "authority": request.authority(),
        "headers": headers,
    });
    Ok(Reply::json(&show_body(head, &body)))
}

fn scheme_text(scheme: Scheme) -> String {
    match scheme {
        Scheme::Http => "http".to_owned(),
        Scheme::Https => "https".to_owned(),
        Scheme::Other(other) => other,
    }
}

pub fn environment() -> Outcome {
    let variables: BTreeMap<String, String> = std::env::vars().collect();
    Ok(Reply::json(&json!(variables)))
}

pub fn arguments() -> Outcome {
    let arguments: Vec<String> = std::env::args().collect();
    Ok(Reply::json(&json!(arguments)))
}

pub fn write_out(mut to: impl Write, call: &Call) -> Outcome {
    let text = call.body_text()?;
    let written = to.write_all(text.as_bytes()).and_then(|()| to.flush());
    Ok(outcome(written.map(|()| Value::Null)))
}

pub fn slow(call: &Call) -> Outcome {
    std::thread::sleep(Duration::from_millis(call.number("ms")?));
    Ok(Reply::text("slept"))
}

pub fn status(call: &Call) -> Outcome {
    let code = call.number("code")?;
    let reply = Reply::text(format!("status {code}")).status(code);
    Ok(reply.headers(call.headers()?))
}

pub fn randomness(call: &Call) -> Outcome {
    let bytes = random::get_random_bytes(call.optional_number("bytes")?.unwrap_or(16));
    Ok(Reply::ok(bytes))
}

pub fn now() -> Outcome {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|error| error.to_string())?;
    Ok(Reply::json(&json!({
        "seconds": wall.as_secs(),
        "nanoseconds": wall.subsec_nanos(),
        "monotonic": monotonic_clock::now(),
    })))
}

/// Returns the number of preopened folders, and the result of reading a path.
pub fn file(call: &Call) -> Outcome {
    let read = std::fs::read(call.required("path")?);
    let result = json_of(read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned().into()));
    let preopens = preopens::get_directories().len();
    Ok(Reply::json(
        &json!({ "preopens": preopens, "read": result }),
    ))
}

pub fn socket(call: &Call) -> Outcome {
    let connected = TcpStream::connect(call.required("address")?);
    Ok(outcome(connected.map(|_| Value::Null)))
}

pub fn resolve(call: &Call) -> Outcome {
    let found = (call.required("name")?, 0).to_socket_addrs();
    Ok(outcome(found.map(|addresses| {
        addresses.map(|address| address.ip().to_string()).collect()
    })))
}

fn outcome(result: io::Result<Value>) -> Reply {
    Reply::json(&json_of(result))
}

/// Formats a result. The kind of an error has the form of a variant's name: `permission-denied`.
fn json_of(result: io::Result<Value>) -> Value {
    match result {
        Ok(value) => json!({ "ok": value }),
        Err(error) => {
            let name = variant::name_of(&format!("{:?}", error.kind()));
            variant::error(&name, Some(&error.to_string()))
        }
    }
}

//! The consumer's answer as Spin wants it.

#![allow(
    clippy::disallowed_macros,
    reason = "Spin collects a component's standard error"
)]

use spin_sdk::http::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};

use super::stream::write_all;
use crate::Answer;

/// Sends the answer. Where the client is gone there is nobody left to tell, so what fails from the
/// headers on is left at that.
pub fn send(answer: Answer, outparam: ResponseOutparam) {
    let Some(response) = response(&answer) else {
        return eprintln!("the headers of the answer were not accepted");
    };
    let body = response.body();
    outparam.set(response);
    if let Ok(body) = body {
        write(body, &answer.body);
    }
}

fn response(answer: &Answer) -> Option<OutgoingResponse> {
    let length = answer.body.len().to_string().into_bytes();
    let mut headers = answer.headers.clone();
    headers.push(("content-length".to_owned(), length));
    let response = OutgoingResponse::new(Fields::from_list(&headers).ok()?);
    response.set_status_code(answer.status).ok()?;
    Some(response)
}

fn write(body: OutgoingBody, bytes: &[u8]) {
    let written = body.write().map(|stream| write_all(&stream, bytes));
    // A body that is finished although a part is missing would look whole to the client.
    if let Ok(Ok(())) = written {
        let _ = OutgoingBody::finish(body, None);
    }
}

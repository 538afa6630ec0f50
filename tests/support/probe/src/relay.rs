//! Outbound requests whose body and response are streamed at the same time.

use futures::{SinkExt, StreamExt, join};
use spin_sdk::http::{
    Fields, IncomingRequest, IncomingResponse, Method, OutgoingRequest, OutgoingResponse,
    ResponseOutparam, Scheme, run, send,
};

use crate::call::{Call, Usage};

/// The destination of `/relay`.
pub struct Target(OutgoingRequest);

impl Target {
    pub fn of(call: &Call) -> Result<Self, Usage> {
        let url = call.required("url")?;
        let unusable = |()| format!("`{url}` is no URL to relay to");
        let rest = url.strip_prefix("http://").ok_or(()).map_err(unusable)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let request = OutgoingRequest::new(Fields::new());
        let set = request
            .set_method(&Method::Post)
            .and_then(|()| request.set_scheme(Some(&Scheme::Http)))
            .and_then(|()| request.set_authority(Some(authority)))
            .and_then(|()| request.set_path_with_query(Some(path)));
        set.map_err(unusable)?;
        Ok(Self(request))
    }

    /// Streams in both directions until both have ended.
    pub fn relay(self, request: IncomingRequest, outparam: ResponseOutparam) {
        let mut up = Box::pin(self.0.take_body());
        let mut body = Box::pin(request.into_body_stream());
        let there = async move {
            while let Some(Ok(chunk)) = body.next().await {
                if up.send(chunk).await.is_err() {
                    return;
                }
            }
        };
        let back = async move {
            let sent = send::<_, IncomingResponse>(self.0).await;
            let status = sent.as_ref().map_or(502, IncomingResponse::status);
            let response = OutgoingResponse::new(Fields::new());
            let _ = response.set_status_code(status);
            let mut down = Box::pin(response.take_body());
            outparam.set(response);
            let Ok(received) = sent else { return };
            let mut body = Box::pin(received.take_body_stream());
            while let Some(Ok(chunk)) = body.next().await {
                if down.send(chunk).await.is_err() {
                    return;
                }
            }
        };
        run(async { join!(there, back) });
    }
}

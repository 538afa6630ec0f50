//! `GET`, `HEAD /healthz`: the health check.

use problem_details::Problem;
use serde::Serialize;

use crate::http::Response;
use crate::platform::Stream;
use crate::sender::Queue;
use crate::store::{Storage, Store};

#[derive(Serialize)]
struct Healthy {
    status: &'static str,
}

/// Returns 200 if the table can be read and the stream, if there is one, responds; otherwise 503. The
/// caller has already checked the variables.
pub fn check(
    platform: &(impl Storage + Stream),
    queue: Option<&Queue>,
) -> Result<Response, Problem> {
    Store::select(platform)?.check_readable()?;
    if let Some(queue) = queue {
        queue.check(platform)?;
    }
    Ok(Response::json(200, &Healthy { status: "ok" }))
}

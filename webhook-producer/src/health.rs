//! `GET`, `HEAD /healthz`: whether the producer can do its work.

use problem_details::Problem;
use serde::Serialize;

use crate::http::Response;
use crate::outside::{Database, Log, Stream};
use crate::sender::Queue;
use crate::store::Store;

#[derive(Serialize)]
struct Healthy {
    status: &'static str,
}

/// 200 when the table can be read, and the stream answers where events go to one; 503 when not. That
/// the variables mean something is known by then.
pub fn check(
    outside: &(impl Database + Stream + Log),
    queue: Option<&Queue>,
) -> Result<Response, Problem> {
    Store::new(outside).check_readable()?;
    if let Some(queue) = queue {
        queue.check(outside)?;
    }
    Ok(Response::json(200, &Healthy { status: "ok" }))
}

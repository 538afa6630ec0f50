//! `GET /healthz`: whether the producer can do its work.

use problem::Problem;
use serde::Serialize;

use crate::http::Response;
use crate::outside::{Database, Log};
use crate::store::Store;

#[derive(Serialize)]
struct Healthy {
    status: &'static str,
}

/// 200 when the table can be read, 503 when not. That the variables mean something is known by then.
pub fn check(outside: &(impl Database + Log)) -> Result<Response, Problem> {
    Store::new(outside).check_readable()?;
    Ok(Response::json(200, &Healthy { status: "ok" }))
}

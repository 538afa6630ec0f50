//! `/v1/tenants/{tenant}/deliveries/stream`: what happens from now on, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures::stream;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};
use webhook_model::TenantId;

use super::error::ApiError;
use super::extract::Path;
use super::state::Api;
use crate::feed::{Happening, Next, Subscription};
use crate::keys::Principal;

/// The interval of comments that keep a quiet connection open.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The interval at which the key or the session of the reader is checked.
const CHECK: Duration = Duration::from_secs(2);

/// A stream that is being sent.
struct Following {
    api: Api,
    principal: Principal,
    subscription: Subscription,
    checks: tokio::time::Interval,
    /// The time of the last part.
    sent: Instant,
}

/// Follows a tenant. The stream ends when the key is revoked or expires, and when the sender stops.
pub async fn follow(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(tenant): Path<TenantId>,
) -> Result<impl IntoResponse, ApiError> {
    api.require(&tenant).await?;
    let mut checks = interval(CHECK);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let following = Following {
        subscription: api.feed.subscribe(&tenant),
        api,
        principal,
        checks,
        sent: Instant::now(),
    };
    // The first part is sent at once, as a sign that the reader is subscribed.
    let first = stream::once(async { part(": following\n\n".into()) });
    let parts = stream::unfold(following, Following::next);
    let body = Body::from_stream(futures::StreamExt::chain(first, parts));
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body))
}

fn part(text: String) -> Result<Bytes, Infallible> {
    Ok(text.into())
}

impl Following {
    /// Waits for the next part. Returns `None` at the end.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let stopping = self.api.stopping.clone();
        let text = loop {
            tokio::select! {
                () = stopping.cancelled() => return None,
                next = self.subscription.next() => break shown(&next),
                _ = self.checks.tick() => {
                    if !self.is_permitted().await {
                        return None;
                    }
                    if self.sent.elapsed() >= HEARTBEAT {
                        break ": heartbeat\n\n".into();
                    }
                }
            }
        };
        self.sent = Instant::now();
        Some((part(text), self))
    }

    /// Returns true if the key or the session of the reader is still valid. A store that does not respond ends no
    /// stream.
    async fn is_permitted(&self) -> bool {
        let current = self.api.keyring.is_current(&self.principal).await;
        current.unwrap_or(true)
    }
}

/// Returns a part as the text of an event. JSON contains no line break.
fn shown(next: &Next) -> String {
    let (name, data) = match next {
        Next::Lagged(missed) => ("lagged", json!({ "missed": missed })),
        Next::Happened(dated) => {
            let (at, happening) = &**dated;
            let mut data = Map::new();
            data.insert("at".into(), at.to_string().into());
            if let Ok(Value::Object(fields)) = serde_json::to_value(happening) {
                data.extend(fields);
            }
            (Happening::name(happening), Value::Object(data))
        }
    };
    format!("event: {name}\ndata: {data}\n\n")
}

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
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use webhook_model::{Millis, TenantId};

use super::error::ApiError;
use super::extract::Path;
use super::state::Api;
use crate::feed::{Happening, Next, Subscription};
use crate::keys::Principal;

/// The interval of comments that keep a quiet connection open.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The longest time between two checks of the key and the session of the reader. This process announces what
/// it ends; another one may end a session without a word.
const CHECK: Duration = Duration::from_secs(1);

/// A stream that is being sent.
struct EventStream {
    api: Api,
    principal: Principal,
    subscription: Subscription,
    /// Notified after a key or a session may have ended.
    ends: watch::Receiver<()>,
    /// The time of the next check.
    check: Instant,
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
    let following = EventStream {
        subscription: api.feed.subscribe(&tenant),
        ends: api.keyring.ends(),
        api,
        principal,
        // Now: they may have ended since the request was let through.
        check: Instant::now(),
        sent: Instant::now(),
    };
    // The first part is sent at once, as a sign that the reader is subscribed.
    let first = stream::once(async { part(": following\n\n".into()) });
    let parts = stream::unfold(following, EventStream::next);
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

impl EventStream {
    /// Waits for the next part. Returns `None` at the end.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let stopping = self.api.stopping.clone();
        let text = loop {
            // In this order: nothing is sent after an end that is known.
            tokio::select! {
                biased;
                () = stopping.cancelled() => return None,
                _ = self.ends.changed() => self.check = Instant::now(),
                () = sleep_until(self.check) => {
                    self.check = self.next_check().await?;
                    if self.sent.elapsed() >= HEARTBEAT {
                        break ": heartbeat\n\n".into();
                    }
                }
                next = self.subscription.next() => break shown(&next),
            }
        };
        self.sent = Instant::now();
        Some((part(text), self))
    }

    /// Returns the time of the next check; `None` if the key or the session of the reader has ended. A store
    /// that does not respond ends no stream.
    async fn next_check(&self) -> Option<Instant> {
        let valid = self.api.keyring.valid_until(&self.principal).await;
        let until = valid.unwrap_or(Some(Millis::NEVER))?;
        let left = until.since(self.api.clock.now());
        Some(Instant::now() + left.min(CHECK))
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

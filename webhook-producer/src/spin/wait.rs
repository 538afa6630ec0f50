//! Waiting for the host with Spin's executor.

use std::future::poll_fn;
use std::task::Poll;

use spin_executor::{CancelOnDropToken, push_waker_and_get_token};
use wasi::io::poll::Pollable;

/// Waits until `ready` returns a value. It is called again whenever the pollable from `subscribe` is
/// ready.
///
/// Dropping the future drops the pollable, before the resource it belongs to: the host requires
/// children to be dropped before their parents.
pub async fn until<T>(
    mut ready: impl FnMut() -> Option<T>,
    mut subscribe: impl FnMut() -> Pollable,
) -> T {
    let mut registered: Option<CancelOnDropToken> = None;
    poll_fn(|context| match ready() {
        Some(value) => Poll::Ready(value),
        None => {
            let token = push_waker_and_get_token(subscribe(), context.waker().clone());
            registered = Some(token.into());
            Poll::Pending
        }
    })
    .await
}

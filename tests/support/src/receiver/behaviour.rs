//! Behaviours of a receiver.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use tokio::sync::watch;
use tokio::time::{Interval, interval};

use super::recorded::Recorded;

pub(super) type Reply = Response<BoxBody<Bytes, Infallible>>;

/// The error that closes the connection without a response.
#[derive(Debug)]
pub(super) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

/// The behaviour of a receiver after it has read a request: a wait, then a response or none.
#[derive(Clone, Debug)]
pub struct Behaviour {
    wait: Wait,
    response: Option<Head>,
    body: Content,
}

#[derive(Clone, Copy, Debug)]
enum Wait {
    None,
    For(Duration),
    Arrivals(usize),
    Forever,
}

#[derive(Clone, Debug)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
enum Content {
    Whole(Bytes),
    Drip,
    Stall,
}

impl Behaviour {
    /// Responds with this status and an empty body.
    pub fn status(status: u16) -> Self {
        Self {
            wait: Wait::None,
            response: Some(Head {
                status,
                headers: Vec::new(),
            }),
            body: Content::Whole(Bytes::new()),
        }
    }

    /// Returns a behaviour that never responds, and keeps the connection open.
    pub fn hang() -> Self {
        Self {
            wait: Wait::Forever,
            ..Self::status(200)
        }
    }

    /// Closes the connection without a response.
    pub fn close() -> Self {
        Self {
            response: None,
            ..Self::status(200)
        }
    }

    /// Responds with 200 and an endless body, one byte at a time.
    pub fn drip() -> Self {
        Self {
            body: Content::Drip,
            ..Self::status(200)
        }
    }

    /// Responds with 200 and one byte of a body, and then nothing more.
    pub fn stall() -> Self {
        Self {
            body: Content::Stall,
            ..Self::status(200)
        }
    }

    /// Redirects the client to another URL.
    pub fn redirect(url: &str) -> Self {
        Self::status(302).header("location", url)
    }

    /// Adds a header to the response.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(head) = &mut self.response {
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Sets the body of the response.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self {
            body: Content::Whole(body.into()),
            ..self
        }
    }

    /// Waits for this long before the response.
    pub fn after(self, delay: Duration) -> Self {
        Self {
            wait: Wait::For(delay),
            ..self
        }
    }

    /// Waits before the response until the receiver has `count` requests on any path. The delay
    /// does not depend on a clock.
    pub fn after_arrivals(self, count: usize) -> Self {
        Self {
            wait: Wait::Arrivals(count),
            ..self
        }
    }

    pub(super) async fn perform(
        self,
        mut requests: watch::Receiver<Vec<Recorded>>,
    ) -> Result<Reply, Dropped> {
        match self.wait {
            Wait::None => {}
            Wait::For(delay) => tokio::time::sleep(delay).await,
            Wait::Arrivals(count) => {
                let enough = requests.wait_for(|requests| requests.len() >= count).await;
                enough.map_err(|_| Dropped)?;
            }
            Wait::Forever => std::future::pending().await,
        }
        let head = self.response.ok_or(Dropped)?;
        let mut response = Response::builder().status(head.status);
        for (name, value) in head.headers {
            response = response.header(name, value);
        }
        response.body(self.body.into_body()).map_err(|_| Dropped)
    }
}

impl Content {
    fn into_body(self) -> BoxBody<Bytes, Infallible> {
        match self {
            Self::Whole(bytes) => Full::new(bytes).boxed(),
            Self::Drip => Drip(interval(Duration::from_millis(10))).boxed(),
            Self::Stall => Stall { begun: false }.boxed(),
        }
    }
}

type Next = Poll<Option<Result<Frame<Bytes>, Infallible>>>;

fn byte() -> Option<Result<Frame<Bytes>, Infallible>> {
    Some(Ok(Frame::data(Bytes::from_static(b"."))))
}

/// A body with a byte at every tick.
struct Drip(Interval);

impl Body for Drip {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Next {
        self.0.poll_tick(context).map(|_| byte())
    }
}

/// A body with one byte and no end.
struct Stall {
    begun: bool,
}

impl Body for Stall {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Next {
        if std::mem::replace(&mut self.begun, true) {
            return Poll::Pending;
        }
        Poll::Ready(byte())
    }
}

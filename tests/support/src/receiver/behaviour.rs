//! What a receiver does with a request.

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

pub(super) type Answer = Response<BoxBody<Bytes, Infallible>>;

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(super) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

/// What a receiver does once it has read a request: a wait, then an answer or none.
#[derive(Clone, Debug)]
pub struct Behaviour {
    wait: Wait,
    answer: Option<Head>,
    body: Content,
}

#[derive(Clone, Copy, Debug)]
enum Wait {
    None,
    For(Duration),
    Arrivals(usize),
    Ever,
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
    /// Answers with this status and an empty body.
    pub fn status(status: u16) -> Self {
        Self {
            wait: Wait::None,
            answer: Some(Head {
                status,
                headers: Vec::new(),
            }),
            body: Content::Whole(Bytes::new()),
        }
    }

    /// Never answers, and keeps the connection open.
    pub fn hang() -> Self {
        Self {
            wait: Wait::Ever,
            ..Self::status(200)
        }
    }

    /// Closes the connection without an answer.
    pub fn close() -> Self {
        Self {
            answer: None,
            ..Self::status(200)
        }
    }

    /// Answers 200 with a body that goes on for ever, a byte at a time.
    pub fn drip() -> Self {
        Self {
            body: Content::Drip,
            ..Self::status(200)
        }
    }

    /// Answers 200 and begins a body that never goes on.
    pub fn stall() -> Self {
        Self {
            body: Content::Stall,
            ..Self::status(200)
        }
    }

    /// Sends the client to another URL.
    pub fn redirect(url: &str) -> Self {
        Self::status(302).header("location", url)
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(head) = &mut self.answer {
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Gives the answer a body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self {
            body: Content::Whole(body.into()),
            ..self
        }
    }

    /// Waits for this long first.
    pub fn after(self, delay: Duration) -> Self {
        Self {
            wait: Wait::For(delay),
            ..self
        }
    }

    /// Waits first until the receiver has `count` requests, on whatever path: late, and yet by
    /// no clock.
    pub fn after_arrivals(self, count: usize) -> Self {
        Self {
            wait: Wait::Arrivals(count),
            ..self
        }
    }

    pub(super) async fn perform(
        self,
        mut requests: watch::Receiver<Vec<Recorded>>,
    ) -> Result<Answer, Dropped> {
        match self.wait {
            Wait::None => {}
            Wait::For(delay) => tokio::time::sleep(delay).await,
            Wait::Arrivals(count) => {
                let enough = requests.wait_for(|requests| requests.len() >= count).await;
                enough.map_err(|_| Dropped)?;
            }
            Wait::Ever => std::future::pending().await,
        }
        let head = self.answer.ok_or(Dropped)?;
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

/// A byte at every tick.
struct Drip(Interval);

impl Body for Drip {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Next {
        self.0.poll_tick(context).map(|_| byte())
    }
}

/// One byte.
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

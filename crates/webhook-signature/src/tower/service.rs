//! One request on its way to the handler.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::error::Error;
use core::mem;
use core::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use tower_service::Service;

use super::answer::Answer;
use super::claim::{claim, complete};
use super::layer::Policy;
use super::{AnswerBody, BoxFuture, Ticket, Verified};
use crate::{Freshness, verify};

/// The handler's answer, or the layer's own.
pub type ResponseBody<B> = Either<AnswerBody<B>, Full<Bytes>>;

/// A service that gets only what [`VerifyLayer`](super::VerifyLayer) lets through.
///
/// Requests come with any body and reach the service inside with a whole one.
#[derive(Clone)]
pub struct VerifyService<S> {
    inner: S,
    policy: Arc<Policy>,
}

impl<S> VerifyService<S> {
    pub(crate) fn new(inner: S, policy: Arc<Policy>) -> Self {
        Self { inner, policy }
    }
}

impl<S, B, R> Service<Request<B>> for VerifyService<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    R: Body + Send + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was found ready is the one to call: its clone may not be.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let policy = Arc::clone(&self.policy);
        let method = request.method().clone();
        Box::pin(async move {
            let (request, ticket) = match policy.admit(request).await {
                Ok(admitted) => admitted,
                Err(answer) => return Ok(answer.into_response().map(Either::Right)),
            };
            let response = inner.call(request).await?;
            let mut ticket = ticket.filter(|_| response.status().is_success());
            if has_no_body(&response, &method)
                && let Some(ticket) = ticket.take()
            {
                complete(ticket).await;
            }
            let announced = announced_length(response.headers());
            Ok(response.map(|body| Either::Left(AnswerBody::new(body, announced, ticket))))
        })
    }
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Recognises a response that is all head: a server asks for no body then.
fn has_no_body<B: Body>(response: &Response<B>, method: &Method) -> bool {
    let body = response.body();
    body.is_end_stream()
        || body.size_hint().exact() == Some(0)
        || announced_length(response.headers()) == Some(0)
        || method == Method::HEAD
        || matches!(
            response.status(),
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT
        )
}

type Admitted = (Request<Full<Bytes>>, Option<Box<dyn Ticket>>);

impl Policy {
    /// The request as the handler gets it, and the right to process its id.
    async fn admit<B>(&self, request: Request<B>) -> Result<Admitted, Answer>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (mut head, body) = request.into_parts();
        let body = read(body, self.max_body_bytes).await?;
        let now = (self.clock)();
        let verified = self.verify(&head.headers, &body, now)?;
        let ticket = match (&self.seen, &verified.id) {
            (Some(store), Some(id)) => Some(claim(&**store, id, now).await?),
            _ => None,
        };
        head.extensions.insert(verified);
        Ok((Request::from_parts(head, Full::new(body)), ticket))
    }

    fn verify(&self, headers: &HeaderMap, body: &[u8], now: u64) -> Result<Verified, Answer> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let request = crate::Request::new(headers, body);
        let freshness = Freshness::at(now).tolerating(self.tolerance_seconds);
        match verify(&self.credentials, &request, freshness, self.weakest) {
            Ok(verified) => Ok(verified.into()),
            Err(refusal) => {
                tracing::debug!(code = refusal.code(), %refusal, "a request was refused");
                let hint = request.likely_mistake(refusal);
                Err(Answer::Refused { refusal, hint })
            }
        }
    }
}

/// The whole body, if it has at most `max` bytes. What announces more is not read at all.
async fn read<B>(body: B, max: usize) -> Result<Bytes, Answer>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if body.size_hint().lower() > u64::try_from(max).unwrap_or(u64::MAX) {
        return Err(Answer::BodyTooLong { max });
    }
    match Limited::new(body, max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Answer::BodyTooLong { max }),
        Err(_) => Err(Answer::BodyBrokenOff),
    }
}

//! The service that the layer wraps around a handler.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::error::Error;
use core::mem;
use core::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{Either, Full};
use tower_service::Service;

use super::claim::complete;
use super::policy::Policy;
use super::{BoxFuture, TrackedBody};

/// The handler's response body, or the layer's own.
pub type ResponseBody<B> = Either<TrackedBody<B>, Full<Bytes>>;

/// A service that receives only the requests that [`VerifyLayer`](super::VerifyLayer) accepts.
///
/// It takes requests with any body; the inner service receives the complete body.
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
        // Call the instance that is ready: its clone may not be.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let policy = Arc::clone(&self.policy);
        let method = request.method().clone();
        Box::pin(async move {
            let (request, ticket) = match policy.admit(request).await {
                Ok(admitted) => admitted,
                Err(response) => return Ok(response.into_response().map(Either::Right)),
            };
            let response = inner.call(request).await?;
            let mut ticket = ticket.filter(|_| response.status().is_success());
            if has_no_body(&response, &method)
                && let Some(ticket) = ticket.take()
            {
                complete(ticket).await;
            }
            let announced = announced_length(response.headers());
            Ok(response.map(|body| Either::Left(TrackedBody::new(body, announced, ticket))))
        })
    }
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Recognises a response without a body, whose body a server never polls.
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

//! The requirements that the layer checks before it calls the handler.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::error::Error;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};

use super::claim::claim;
use super::clock::Clock;
use super::early_response::EarlyResponse;
use super::{DedupStore, Ticket, Verified};
use crate::{Credential, Freshness, Scheme, verify};

/// The requirements for a request.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) credentials: Arc<[Credential]>,
    pub(crate) weakest: Scheme,
    pub(crate) tolerance_seconds: u64,
    pub(crate) max_body_bytes: usize,
    pub(crate) clock: Clock,
    pub(crate) dedup: Option<Arc<dyn DedupStore>>,
}

/// A request for the handler, and the right to process its id.
type Admitted = (Request<Full<Bytes>>, Option<Box<dyn Ticket>>);

impl Policy {
    /// Verifies the request and claims its id.
    pub(crate) async fn admit<B>(&self, request: Request<B>) -> Result<Admitted, EarlyResponse>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (mut head, body) = request.into_parts();
        let body = read(body, self.max_body_bytes).await?;
        let now = (self.clock)();
        let verified = self.verify(&head.headers, &body, now)?;
        let ticket = match (&self.dedup, &verified.id) {
            (Some(store), Some(id)) => Some(claim(&**store, id, now).await?),
            _ => None,
        };
        head.extensions.insert(verified);
        Ok((Request::from_parts(head, Full::new(body)), ticket))
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: u64,
    ) -> Result<Verified, EarlyResponse> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let request = crate::Request::new(headers, body);
        let freshness = Freshness::at(now).tolerating(self.tolerance_seconds);
        match verify(&self.credentials, &request, freshness, self.weakest) {
            Ok(verified) => Ok(verified.into()),
            Err(refusal) => {
                tracing::debug!(code = refusal.code(), %refusal, "rejected a request");
                let hint = request.likely_mistake(refusal);
                Err(EarlyResponse::Refused { refusal, hint })
            }
        }
    }
}

/// Reads the body, if it has at most `max` bytes. A body that announces more is not read at all.
async fn read<B>(body: B, max: usize) -> Result<Bytes, EarlyResponse>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if body.size_hint().lower() > u64::try_from(max).unwrap_or(u64::MAX) {
        return Err(EarlyResponse::BodyTooLong { max });
    }
    match Limited::new(body, max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(EarlyResponse::BodyTooLong { max }),
        Err(_) => Err(EarlyResponse::BodyBrokenOff),
    }
}

//! The request of one attempt.

use bytes::Bytes;
use tokio::time::Instant;
use webhook_client::{CallError, Client, Response, WebhookRequest};
use webhook_model::{EventId, Exchange, Millis, TenantId};

use super::request_template::RequestTemplate;

/// The properties of a request that its endpoint's template does not have.
pub(super) struct Request<'a> {
    pub tenant: &'a TenantId,
    pub event: &'a EventId,
    pub body: &'a Bytes,
    /// The time of signing.
    pub at: Millis,
    pub deadline: Instant,
    /// The number of bytes of the response's body that are kept.
    pub keep_response: usize,
}

impl Request<'_> {
    /// Signs and sends the request. Returns the response, and the record of both.
    pub(super) async fn send(
        &self,
        template: &RequestTemplate,
        client: &Client,
    ) -> (Result<Response, CallError>, Exchange) {
        let signed = match template.sign(self.event, self.body, self.at) {
            Ok(signed) => signed,
            Err(error) => {
                let exchange = template.exchange([], self.body, None);
                return (Err(CallError::Unsigned(error)), exchange);
            }
        };
        let signed = signed.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<_> = template.headers().chain(signed.clone()).collect();
        let request = WebhookRequest {
            url: &template.compiled.url,
            fairness_key: self.tenant.as_str(),
            headers: &headers,
            body: self.body,
            keep_response: self.keep_response,
            deadline: self.deadline,
        };
        let response = client.post(&request).await;
        let exchange = template.exchange(signed, self.body, response.as_ref().ok());
        (response, exchange)
    }
}

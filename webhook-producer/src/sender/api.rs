//! Registrations as endpoints of the sender.

use std::rc::Rc;
use std::time::Duration;

use problem_details::Problem;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::tenant::tenant;
use crate::config::{bearer, variable};
use crate::exchange::exchange;
use crate::platform::{Clock, Log, Method, Network, Outgoing, Variables};
use crate::problems;
use crate::store::Registration;

/// The sender's API, and the tenant that the endpoints belong to. It has no `Debug`, because it
/// contains a token.
pub struct SenderApi {
    /// `…/v1/tenants/{tenant}`
    tenant: Url,
    token: Option<String>,
}

impl SenderApi {
    /// Reads the variables; returns `None` if `sender_url` is empty.
    pub fn load(platform: &(impl Variables + Log)) -> Result<Option<Self>, Problem> {
        let text = variable(platform, "sender_url")?;
        if text.is_empty() {
            return Ok(None);
        }
        let token = bearer(platform, "sender_token")?;
        let tenant = tenant(platform, "sender_url")?;
        let path = ["v1", "tenants", &tenant];
        let url = base(&text).and_then(|base| below(&base, &path));
        let tenant = url.ok_or_else(|| {
            let reason = "it is not an `http` or `https` URL without credentials and query";
            problems::bad_configuration("sender_url", reason)
        })?;
        Ok(Some(Self { tenant, token }))
    }

    /// Creates the endpoint of a registration, or updates it.
    ///
    /// # Errors
    ///
    /// Returns 502 if the sender does not respond within `timeout`, or rejects the request.
    pub async fn put(
        &self,
        platform: &(impl Network + Clock + Log),
        registration: &Registration,
        timeout: Duration,
    ) -> Result<(), Problem> {
        let call = Call {
            api: self,
            platform,
            timeout,
        };
        let id = endpoint_id(&registration.url);
        call.accepted(Method::Put, &[], None).await?;
        let endpoint = json!({
            "id": id,
            "url": registration.url,
            "events": [registration.event],
            "secret": registration.key.text(),
            "schemes": ["plain", "wss", "standard"],
        });
        match call
            .status(Method::Post, &["endpoints"], Some(endpoint))
            .await?
        {
            200..=299 => return Ok(()),
            // The endpoint exists.
            409 => {}
            status => return Err(call.refused(status)),
        }
        // The consumer already has the new key, so tags under the previous one are useless to it.
        let secret = json!({ "secret": registration.key.text(), "overlap": "0s" });
        let path = ["endpoints", &id, "rotate-secret"];
        call.accepted(Method::Post, &path, Some(secret)).await?;
        let changes = json!({ "events": [registration.event], "enabled": true });
        call.accepted(Method::Patch, &["endpoints", &id], Some(changes))
            .await
    }

    /// Deletes the endpoint of the registration of `url`, if it exists.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`put`](Self::put).
    pub async fn remove(
        &self,
        platform: &(impl Network + Clock + Log),
        url: &str,
        timeout: Duration,
    ) -> Result<(), Problem> {
        let call = Call {
            api: self,
            platform,
            timeout,
        };
        let path = ["endpoints", &endpoint_id(url)];
        match call.status(Method::Delete, &path, None).await? {
            200..=299 | 404 => Ok(()),
            status => Err(call.refused(status)),
        }
    }
}

fn base(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then_some(url)
}

fn below(url: &Url, path: &[&str]) -> Option<Url> {
    let mut url = url.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(path);
    Some(url)
}

/// Returns the endpoint's id, which is derived from the URL and is valid for the sender.
fn endpoint_id(url: &str) -> String {
    let digest = Sha256::digest(url.as_bytes());
    format!("reg_{}", hex::encode(&digest[..16]))
}

/// The calls of the API for one change.
struct Call<'a, O> {
    api: &'a SenderApi,
    platform: &'a O,
    timeout: Duration,
}

impl<O: Network + Clock + Log> Call<'_, O> {
    async fn accepted(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<(), Problem> {
        match self.status(method, path, body).await? {
            200..=299 => Ok(()),
            status => Err(self.refused(status)),
        }
    }

    async fn status(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<u16, Problem> {
        let url = below(&self.api.tenant, path).ok_or_else(problems::internal)?;
        let mut headers = Vec::new();
        if let Some(token) = &self.api.token {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        let body = match body {
            Some(body) => {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                body.to_string().into_bytes()
            }
            None => Vec::new(),
        };
        let outgoing = Outgoing {
            method,
            url,
            headers,
            body: Rc::from(body),
        };
        let status = exchange(self.platform, outgoing, self.timeout).await;
        status.map_err(|error| {
            let line = format!("PRODUCER: The sender did not respond: {error}");
            self.platform.log(&line);
            problems::sender_unreachable(&error.to_string())
        })
    }

    fn refused(&self, status: u16) -> Problem {
        let line = format!("PRODUCER: The sender responded with status {status}");
        self.platform.log(&line);
        problems::sender_refused(status)
    }
}

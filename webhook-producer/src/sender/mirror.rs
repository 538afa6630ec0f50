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
use crate::outside::{Clock, Log, Network, Outgoing, Variables, Verb};
use crate::problems;
use crate::store::Registration;

/// The sender's API, and the tenant whose endpoints the registrations are. There is no `Debug`: it
/// holds a token.
pub struct Mirror {
    /// `…/v1/tenants/{tenant}`
    tenant: Url,
    token: Option<String>,
}

impl Mirror {
    /// Reads the variables; `None` where `sender_url` is empty.
    pub fn load(outside: &(impl Variables + Log)) -> Result<Option<Self>, Problem> {
        let text = variable(outside, "sender_url")?;
        if text.is_empty() {
            return Ok(None);
        }
        let token = bearer(outside, "sender_token")?;
        let tenant = tenant(outside, "sender_url")?;
        let path = ["v1", "tenants", &tenant];
        let url = base(&text).and_then(|base| below(&base, &path));
        let tenant = url.ok_or_else(|| {
            let reason = "it is not an `http` or `https` URL without credentials and query";
            problems::bad_configuration("sender_url", reason)
        })?;
        Ok(Some(Self { tenant, token }))
    }

    /// Makes the registration an endpoint, or changes the one it is.
    ///
    /// # Errors
    ///
    /// 502 when the sender does not answer in `timeout`, or refuses.
    pub async fn put(
        &self,
        outside: &(impl Network + Clock + Log),
        registration: &Registration,
        timeout: Duration,
    ) -> Result<(), Problem> {
        let call = Call {
            mirror: self,
            outside,
            timeout,
        };
        let id = endpoint_id(&registration.url);
        call.accepted(Verb::Put, &[], None).await?;
        let whole = json!({
            "id": id,
            "url": registration.url,
            "events": [registration.event],
            "secret": registration.key.text(),
            "schemes": ["plain", "wss", "standard"],
        });
        match call.status(Verb::Post, &["endpoints"], Some(whole)).await? {
            200..=299 => return Ok(()),
            // It is there already.
            409 => {}
            status => return Err(call.refused(status)),
        }
        // The consumer has the new key by now, and no tag under the one before is of use to it.
        let secret = json!({ "secret": registration.key.text(), "overlap": "0s" });
        let path = ["endpoints", &id, "rotate-secret"];
        call.accepted(Verb::Post, &path, Some(secret)).await?;
        let news = json!({ "events": [registration.event], "enabled": true });
        call.accepted(Verb::Patch, &["endpoints", &id], Some(news))
            .await
    }

    /// Removes the endpoint that the registration of `url` is. None is as good.
    ///
    /// # Errors
    ///
    /// As of [`put`](Self::put).
    pub async fn remove(
        &self,
        outside: &(impl Network + Clock + Log),
        url: &str,
        timeout: Duration,
    ) -> Result<(), Problem> {
        let call = Call {
            mirror: self,
            outside,
            timeout,
        };
        let path = ["endpoints", &endpoint_id(url)];
        match call.status(Verb::Delete, &path, None).await? {
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

/// The endpoint's id: the same for the same URL, and a name that the sender takes.
fn endpoint_id(url: &str) -> String {
    let digest = Sha256::digest(url.as_bytes());
    format!("reg_{}", hex::encode(&digest[..16]))
}

/// Calls of the API for one change.
struct Call<'a, O> {
    mirror: &'a Mirror,
    outside: &'a O,
    timeout: Duration,
}

impl<O: Network + Clock + Log> Call<'_, O> {
    async fn accepted(
        &self,
        method: Verb,
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
        method: Verb,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<u16, Problem> {
        let url = below(&self.mirror.tenant, path).ok_or_else(problems::internal)?;
        let mut headers = Vec::new();
        if let Some(token) = &self.mirror.token {
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
        let answer = exchange(self.outside, outgoing, self.timeout).await;
        answer.map_err(|error| {
            let line = format!("PRODUCER: The sender did not answer: {error}");
            self.outside.log(&line);
            problems::sender_unreachable(&error.to_string())
        })
    }

    fn refused(&self, status: u16) -> Problem {
        let line = format!("PRODUCER: The sender answered with status {status}");
        self.outside.log(&line);
        problems::sender_refused(status)
    }
}

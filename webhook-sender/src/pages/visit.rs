//! A request of a page: who makes it, and for which tenant.

use std::collections::HashMap;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use webhook_model::Millis;

use super::cookie;
use super::csrf;
use super::error::PageError;
use super::gate::Visitor;
use super::layout::Page;
use super::link::Link;
use super::state::Pages;
use super::text::Text;
use crate::api::Peer;

/// A request of a page by a known visitor.
pub struct Visit {
    pub pages: Pages,
    pub visitor: Visitor,
    pub peer: Peer,
    pub now: Millis,
    /// The tenant that the address names; that of the session in a portal.
    tenant: Option<String>,
    /// The start of the addresses of the tenant's pages.
    base: Link,
    /// The names in the path.
    names: HashMap<String, String>,
    query: HashMap<String, String>,
}

impl FromRequestParts<Pages> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, PageError> {
        let names = Path::<HashMap<String, String>>::from_request_parts(parts, pages).await;
        let names = names.map_or_else(|_| HashMap::new(), |Path(names)| names);
        let query = Query::try_from_uri(&parts.uri);
        let query = query.map_or_else(|_| HashMap::new(), |Query(query)| query);
        let peer = peer(parts);
        let (visitor, tenant, base) = match names.get("token") {
            Some(token) => of_portal(pages, token, peer).await?,
            None => of_key(pages, parts, names.get("tenant"), peer).await?,
        };
        let host = parts.headers.get(HOST).cloned();
        Ok(Self {
            now: pages.clock.now(),
            pages: pages.clone(),
            visitor: Visitor { host, ..visitor },
            peer,
            tenant,
            base,
            names,
            query,
        })
    }
}

/// Returns the address of a client. Only tests call the routes without a connection.
pub fn peer(parts: &Parts) -> Peer {
    let known = parts.extensions.get::<Peer>().copied();
    known.unwrap_or_else(|| Peer::of(std::net::Ipv4Addr::UNSPECIFIED.into()))
}

type Admitted = (Visitor, Option<String>, Link);

async fn of_portal(pages: &Pages, token: &str, peer: Peer) -> Result<Admitted, PageError> {
    let visitor = pages.gate.visitor(token, peer).await?;
    let visitor = visitor.filter(|visitor| visitor.is_portal);
    let visitor = visitor.ok_or_else(|| {
        PageError::new(
            StatusCode::NOT_FOUND,
            "This link has expired or was revoked. Open it again from the page that you came from.",
        )
    })?;
    let tenant = visitor.tenant.clone();
    Ok((visitor, tenant, Link::new("/ui/portal").push(token)))
}

async fn of_key(
    pages: &Pages,
    parts: &Parts,
    tenant: Option<&String>,
    peer: Peer,
) -> Result<Admitted, PageError> {
    let visitor = match (
        pages.gate.without_key(peer),
        cookie::session(&parts.headers),
    ) {
        (Some(visitor), _) => Some(visitor),
        (None, Some(token)) => pages.gate.visitor(token, peer).await?,
        (None, None) => None,
    };
    // The token of a portal session is no cookie's value.
    let visitor = visitor.filter(|visitor| !visitor.is_portal);
    let visitor = visitor.ok_or_else(PageError::signed_out)?;
    let tenant = tenant.cloned();
    let base = tenant.as_deref().map(|id| Link::new("/ui/t").push(id));
    Ok((visitor, tenant, base.unwrap_or_else(|| Link::new("/ui"))))
}

impl Visit {
    /// Returns the name at this place of the path, decoded.
    pub fn name(&self, place: &str) -> &str {
        self.names
            .get(place)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// Returns a parameter of the query; empty if it is missing.
    pub fn query(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Returns true if the page belongs to a tenant.
    pub fn has_tenant(&self) -> bool {
        self.tenant.is_some()
    }

    /// Returns the id of the tenant whose pages these are.
    pub fn tenant(&self) -> &str {
        self.tenant.as_deref().unwrap_or_default()
    }

    /// Returns the address of a page of the tenant.
    pub fn here(&self, page: &str) -> Link {
        match page {
            "" => self.base.clone(),
            _ => self.base.clone().push(page),
        }
    }

    /// Returns the path of a route of the API that belongs to the tenant.
    pub fn route(&self, name: &str) -> Link {
        Link::new("/v1/tenants").push(self.tenant()).push(name)
    }

    /// Returns the resource at a path of the API.
    ///
    /// # Errors
    ///
    /// Fails if the API responds with an error, which is the [`PageError`].
    pub async fn get<T: DeserializeOwned>(&self, path: Link) -> Result<T, PageError> {
        self.pages.backend.get(&self.visitor, path).await
    }

    /// Sends JSON to a path of the API, and returns the JSON of the response.
    ///
    /// # Errors
    ///
    /// Fails if the API responds with an error, which is the [`PageError`].
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: Link,
        body: Value,
    ) -> Result<T, PageError> {
        let backend = &self.pages.backend;
        backend.send(&self.visitor, method, path, body).await
    }

    /// Posts JSON text to a path of the API byte for byte, and returns the JSON of the response.
    ///
    /// # Errors
    ///
    /// Fails if the API responds with an error, which is the [`PageError`].
    pub async fn post_text<T: DeserializeOwned>(
        &self,
        path: Link,
        body: String,
    ) -> Result<T, PageError> {
        let backend = &self.pages.backend;
        backend.post_text(&self.visitor, path, body).await
    }

    /// Returns the frame of a page. `section` is the entry of the navigation that it belongs to.
    pub fn page(&self, title: impl Into<String>, section: &'static str) -> Page {
        Page {
            title: title.into().into(),
            section,
            base: self.base.as_str().to_owned(),
            tenant: self.tenant.clone().map(Text::from),
            visitor: Some(self.visitor.clone()),
            form_token: self.visitor.form_token().as_str().to_owned(),
            notice: super::notice::of(self.query("done"), self.query("count")),
            now: self.now,
        }
    }
}

/// A form that was sent from a page of the visitor's session.
pub struct Posted {
    pub visit: Visit,
    fields: HashMap<String, String>,
}

impl Posted {
    /// Returns the value of a field; empty if it is missing.
    pub fn field(&self, name: &str) -> &str {
        self.fields
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// Returns the value of a field as a text area sends it, with line breaks of one character.
    pub fn text(&self, name: &str) -> String {
        self.field(name).replace("\r\n", "\n").trim().to_owned()
    }
}

impl FromRequest<Pages> for Posted {
    type Rejection = PageError;

    async fn from_request(request: Request, pages: &Pages) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, pages).await?;
        require_same_origin(&parts.headers)?;
        let fields = fields(Request::from_parts(parts, body), pages).await?;
        let posted = Self { visit, fields };
        match posted
            .visit
            .visitor
            .form_token()
            .is(posted.field(csrf::FIELD))
        {
            true => Ok(posted),
            false => Err(PageError::foreign_form()),
        }
    }
}

/// Rejects a request that a browser marks as coming from elsewhere. The token of the form is required
/// as well, because not every browser sends the mark.
pub fn require_same_origin(headers: &HeaderMap) -> Result<(), PageError> {
    let marked = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    match marked {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(PageError::foreign_form()),
    }
}

/// Reads the fields of a form.
pub async fn fields(request: Request, pages: &Pages) -> Result<HashMap<String, String>, PageError> {
    let body = Bytes::from_request(request, pages).await.map_err(|error| {
        let sentence = match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "The form is too large. Nothing was changed.",
            _ => "The form was not received completely. Nothing was changed.",
        };
        PageError::new(error.status(), sentence)
    })?;
    Ok(url::form_urlencoded::parse(&body).into_owned().collect())
}

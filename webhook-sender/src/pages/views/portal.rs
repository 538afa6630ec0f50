//! Links to the tenant's portal: making, listing and revoking them.

use askama::Template;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::once::Once;
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::moment::Moment;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};
use crate::pages::wire::List;

#[derive(Deserialize)]
struct Session {
    id: Text,
    role: Option<Text>,
    key_name: Text,
    created_at: Moment,
    expires_at: Moment,
}

#[derive(Template)]
#[template(path = "portal.html")]
struct Portal {
    page: Page,
    rows: Vec<(Session, Link)>,
    older: Option<Link>,
    newest: Option<Link>,
    action: Link,
}

pub async fn list(visit: Visit) -> Result<Response, PageError> {
    let cursor = visit.query("cursor");
    let route = visit.route("portal-sessions").query("cursor", cursor);
    let list: List<Session> = visit.get(route).await?;
    let here = visit.here("portal-links");
    let linked = |session: Session| {
        let link = here.clone().push(session.id.raw()).push("revoke");
        (session, link)
    };
    html(&Portal {
        page: visit.page("Portal links", "portal-links"),
        rows: list.items.into_iter().map(linked).collect(),
        older: list.next_cursor.map(|it| here.clone().query("cursor", &it)),
        newest: (!cursor.is_empty()).then(|| here.clone()),
        action: here.clone(),
    })
}

/// Makes a link, and shows it, which no other page does.
pub async fn create(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let body = json!({
        "role": posted.text("role"),
        "expires_in": posted.text("expires_in"),
    });
    let route = visit.route("portal-sessions");
    let made: Value = visit.send(Method::POST, route, body).await?;
    Once {
        page: visit.page("New portal link", "portal-links"),
        what: "The link to the tenant's portal".into(),
        value: made["url"].as_str().unwrap_or_default().into(),
        hint: "Send it to the tenant, or show it in a frame of a page that `embed_origins` names.",
        back: visit.here("portal-links"),
    }
    .show()
}

/// Revokes a link. Pages that were opened with it stop working.
pub async fn revoke(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let route = visit.route("portal-sessions").push(visit.name("id"));
    let _: Value = visit.send(Method::DELETE, route, Value::Null).await?;
    let place = visit.here("portal-links").query("done", "session-revoked");
    Ok(Redirect::to(place.as_str()).into_response())
}

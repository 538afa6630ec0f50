//! Access keys, for administrators.

use askama::Template;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::once::Once;
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::moment::Moment;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};
use crate::pages::wire::List;

#[derive(Deserialize)]
struct Key {
    id: Text,
    name: Text,
    role: Text,
    tenant: Option<Text>,
    #[serde(default)]
    origin: Text,
    created_at: Option<Moment>,
    expires_at: Option<Moment>,
    last_used_at: Option<Moment>,
}

#[derive(Template)]
#[template(path = "keys.html")]
struct Keys {
    page: Page,
    rows: Vec<(Key, Link)>,
    failure: Option<Text>,
}

fn route() -> Link {
    Link::new("/v1/keys")
}

pub async fn list(visit: Visit) -> Result<Response, PageError> {
    render(&visit, None).await
}

async fn render(visit: &Visit, failure: Option<Text>) -> Result<Response, PageError> {
    let list: List<Key> = visit.get(route()).await?;
    let linked = |key: Key| {
        let link = Link::new("/ui/keys").push(key.id.raw()).push("revoke");
        (key, link)
    };
    html(&Keys {
        page: visit.page("Keys", "keys"),
        rows: list.items.into_iter().map(linked).collect(),
        failure,
    })
}

/// Makes a key, and shows it, which no other page does.
pub async fn create(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let mut body = Map::new();
    for name in ["name", "role", "tenant", "expires_in"] {
        let value = posted.text(name);
        if !value.is_empty() {
            body.insert(name.to_owned(), value.into());
        }
    }
    let made = visit.send(Method::POST, route(), Value::Object(body)).await;
    let made: Value = match made {
        Ok(made) => made,
        Err(error) if error.is_correctable() => return render(visit, Some(error.sentence)).await,
        Err(error) => return Err(error),
    };
    Once {
        page: visit.page("New key", "keys"),
        what: format!("The key {}", posted.text("name")).into(),
        value: made["key"].as_str().unwrap_or_default().into(),
        hint: "Send it as `Authorization: Bearer …`, or sign in with it.",
        back: Link::new("/ui/keys"),
    }
    .show()
}

/// Revokes a key. Its sessions end.
pub async fn revoke(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let key = route().push(visit.name("id"));
    let _: Value = visit.send(Method::DELETE, key, Value::Null).await?;
    Ok(Redirect::to("/ui/keys?done=revoked").into_response())
}

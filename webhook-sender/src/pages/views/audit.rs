//! The audit list, for administrators.

use askama::Template;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::window;
use crate::pages::badge::{Badge, Tone};
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::moment::Moment;
use crate::pages::text::Text;
use crate::pages::visit::Visit;
use crate::pages::wire::List;

#[derive(Deserialize)]
struct Entry {
    at: Moment,
    key_name: Text,
    address: Option<Text>,
    action: Text,
    tenant: Option<Text>,
    target: Option<Text>,
    outcome: Text,
    code: Option<Text>,
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    field: Text,
    from: Option<Value>,
    to: Option<Value>,
}

impl Change {
    fn shown(&self) -> Text {
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
        let words = match (text(&self.from), text(&self.to)) {
            (Some(from), Some(to)) => format!("{}: {from} → {to}", self.field.raw()),
            (None, Some(to)) => format!("{}: {to}", self.field.raw()),
            (Some(from), None) => format!("{}: {from} removed", self.field.raw()),
            (None, None) => self.field.raw().to_owned(),
        };
        words.into()
    }
}

impl Entry {
    fn badge(&self) -> Badge {
        match self.outcome.raw() {
            "done" => Badge::new(Tone::Good, "done"),
            "failed" => Badge::new(Tone::Bad, "failed"),
            _ => Badge::new(Tone::Neutral, "unknown"),
        }
    }
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    page: Page,
    tenant: Text,
    from: Text,
    to: Text,
    rows: Vec<Entry>,
    older: Option<Link>,
    newest: Option<Link>,
}

pub async fn list(visit: Visit) -> Result<Response, PageError> {
    let text = |name: &str| Text::from(visit.query(name).trim());
    let (tenant, from, to) = (text("tenant"), text("from"), text("to"));
    let filtered = |link: Link, from: &str, to: &str| {
        link.query("tenant", tenant.raw())
            .query("from", from)
            .query("to", to)
    };
    let zoned = (window::moment(from.raw()), window::moment(to.raw()));
    let route = filtered(Link::new("/v1/audit"), &zoned.0, &zoned.1);
    let cursor = visit.query("cursor");
    let list: List<Entry> = visit.get(route.query("cursor", cursor)).await?;
    let here = filtered(Link::new("/ui/audit"), from.raw(), to.raw());
    let next = list.next_cursor;
    html(&Audit {
        page: visit.page("Audit", "audit"),
        rows: list.items,
        older: next.map(|next| here.clone().query("cursor", &next)),
        newest: (!cursor.is_empty()).then_some(here),
        tenant,
        from,
        to,
    })
}

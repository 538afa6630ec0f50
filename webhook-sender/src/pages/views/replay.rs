//! Replaying every delivery that matches, with its count shown first.

use askama::Template;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value};

use super::deliveries::Filters;
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};

#[derive(Template)]
#[template(path = "replay.html")]
struct Replay {
    page: Page,
    filters: Filters,
    /// The deliveries that match; none before there is a filter.
    count: Option<Count>,
    /// Bodies are rendered anew.
    render: bool,
    failure: Option<Text>,
    matching: Link,
    action: Link,
    /// The page that counts to the end, however long that takes.
    count_all: Link,
}

/// A number of deliveries.
struct Count {
    number: u64,
    /// False if there may be more.
    is_complete: bool,
}

impl Count {
    fn is_none(&self) -> bool {
        self.number == 0 && self.is_complete
    }
}

/// The value of `count` that counts to the end.
const ALL: &str = "all";

/// Returns the filters as the API takes them.
fn body(filters: &Filters) -> Map<String, Value> {
    let zoned = filters.zoned();
    let given = zoned.all().into_iter().filter(|(_, it)| !it.is_empty());
    given
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

async fn count(visit: &Visit, filters: &Filters) -> Result<Count, PageError> {
    let mut body = body(filters);
    body.insert("dry_run".to_owned(), true.into());
    let is_quick = visit.query("count") != ALL;
    body.insert("quick".to_owned(), is_quick.into());
    let reply = send(visit, body).await?;
    Ok(Count {
        number: number(&reply),
        is_complete: reply["complete"] == true,
    })
}

async fn send(visit: &Visit, body: Map<String, Value>) -> Result<Value, PageError> {
    let route = visit.route("replay");
    visit.send(Method::POST, route, Value::Object(body)).await
}

fn number(reply: &Value) -> u64 {
    reply["count"].as_u64().unwrap_or_default()
}

/// Shows the filters, and the number of deliveries that they match.
pub async fn show(visit: Visit) -> Result<Response, PageError> {
    let filters = Filters::of(&visit);
    let counted = match filters.is_empty() {
        true => Ok(None),
        false => count(&visit, &filters).await.map(Some),
    };
    let (count, failure) = match counted {
        Ok(count) => (count, None),
        Err(error) if error.is_correctable() => (None, Some(error.sentence)),
        Err(error) => return Err(error),
    };
    html(&Replay {
        page: visit.page("Replay", "dead-letters"),
        count,
        render: visit.query("render") == "true",
        failure,
        matching: filters.on(visit.here("deliveries")),
        action: visit.here("replay"),
        count_all: filters.on(visit.here("replay")).query("count", ALL),
        filters,
    })
}

/// Replays what the form shows.
pub async fn replay(posted: Posted) -> Result<Response, PageError> {
    let filters = Filters::read(|name| posted.field(name));
    let visit = &posted.visit;
    let mut body = body(&filters);
    if posted.field("render") == "true" {
        body.insert("render".to_owned(), true.into());
    }
    let count = number(&send(visit, body).await?).to_string();
    let after = Filters {
        state: Text::default(),
        status: Text::default(),
        ..filters
    };
    let place = after.on(visit.here("deliveries")).query("done", "replayed");
    Ok(Redirect::to(place.query("count", &count).as_str()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(number: u64, is_complete: bool) -> String {
        let page = Replay {
            page: Page::outside("Replay"),
            filters: Filters::default(),
            count: Some(Count {
                number,
                is_complete,
            }),
            render: false,
            failure: None,
            matching: Link::new("/matching"),
            action: Link::new("/action"),
            count_all: Link::new("/all"),
        };
        page.render().unwrap()
    }

    #[test]
    fn a_count_that_was_stopped_is_shown_as_the_least_number() {
        let stopped = rendered(0, false);
        assert!(stopped.contains("At least <strong>0</strong> deliveries"));
        assert!(stopped.contains("<a href=\"/all\">Count all of them</a>"));
        let complete = rendered(1, true);
        assert!(complete.contains("<strong>1</strong> delivery would"));
        assert!(!complete.contains("At least") && !complete.contains("/all"));
        assert!(rendered(0, true).contains("nothing to replay"));
    }
}

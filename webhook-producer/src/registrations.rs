//! The routes under `/registrations`.

use problem::Problem;
use serde::Serialize;
use url::form_urlencoded;

use crate::body::{self, Chunks};
use crate::config::Settings;
use crate::consumer_url::ConsumerUrl;
use crate::event::{EventError, Pattern};
use crate::fields::Fields;
use crate::handshake;
use crate::http::{Request, Response};
use crate::key::SigningKey;
use crate::outside::{Clock, Database, Log, Network};
use crate::problems::{self, quote};
use crate::sender::Mirror;
use crate::store::{ListedRegistration, Registration, Store};

/// The answer to a registration: the one place where a key is shown.
#[derive(Serialize)]
struct Registered<'a> {
    url: &'a str,
    event: &'a str,
    #[serde(rename = "signingKey")]
    signing_key: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    url: String,
    event: String,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct Deleted {
    deleted: usize,
}

impl From<EventError> for Problem {
    fn from(error: EventError) -> Self {
        problems::bad_event(&error.to_string())
    }
}

/// `POST /registrations` with `{"url","event"}`: a handshake, then 201 with the key, or 200 with a
/// new key where the URL was registered already.
///
/// Until the handshake has succeeded nothing is written; a consumer that was registered before
/// stays so, with the key it had. Where a sender delivers, it is told before anything is written:
/// whatever is in the table, the sender knows.
pub async fn register(
    outside: &(impl Database + Network + Clock + Log),
    settings: &Settings,
    mirror: Option<&Mirror>,
    request: Request<impl Chunks>,
) -> Result<Response, Problem> {
    let (url, event) = read(request).await?;
    url.check_host(settings.allow_private_hosts)?;
    let store = Store::new(outside);
    let known_key = store.find_key(url.as_str())?;
    let registration = Registration {
        url: url.as_str().to_owned(),
        event,
        key: SigningKey::generate(&mut rand::rng()),
    };
    handshake::shake_hands(outside, &url, &registration.key, settings.timeout).await?;
    if let Some(mirror) = mirror {
        mirror.put(outside, &registration, settings.timeout).await?;
    }
    if !store.save_if_unchanged(&registration, known_key.as_ref())? {
        return Err(problems::registration_conflict());
    }
    let status = if known_key.is_some() { 200 } else { 201 };
    let answer = Registered {
        url: &registration.url,
        event: &registration.event,
        signing_key: registration.key.text(),
    };
    Ok(Response::json(status, &answer))
}

async fn read(request: Request<impl Chunks>) -> Result<(ConsumerUrl, String), Problem> {
    let body = body::read_json(request).await?;
    let fields = Fields::read(&body, &["url", "event"])?;
    let (url, event) = (fields.text("url")?, fields.text("event")?);
    Pattern::parse(&event)?;
    Ok((ConsumerUrl::parse(&url)?, event))
}

/// `GET /registrations`: 200 with the list, the oldest first, without keys.
pub fn list(outside: &(impl Database + Log)) -> Result<Response, Problem> {
    let rows = Store::new(outside).list()?;
    let rows: Vec<Listed> = rows.into_iter().map(Listed::from).collect();
    Ok(Response::json(200, &rows))
}

impl From<ListedRegistration> for Listed {
    fn from(row: ListedRegistration) -> Self {
        Self {
            url: row.url,
            event: row.event,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// `DELETE /registrations`, or one of them with `?url=`: 200 with how many are gone. Where a sender
/// delivers, they are gone there first.
pub async fn delete(
    outside: &(impl Database + Network + Clock + Log),
    settings: &Settings,
    mirror: Option<&Mirror>,
    query: Option<&str>,
) -> Result<Response, Problem> {
    let store = Store::new(outside);
    let url = url_in_query(query.unwrap_or_default())?;
    if let Some(mirror) = mirror {
        let urls = match &url {
            Some(url) => vec![url.as_str().to_owned()],
            None => store.list()?.into_iter().map(|row| row.url).collect(),
        };
        for url in urls {
            mirror.remove(outside, &url, settings.timeout).await?;
        }
    }
    let deleted = match url {
        Some(url) => store.delete(url.as_str())?,
        None => store.delete_all()?,
    };
    Ok(Response::json(200, &Deleted { deleted }))
}

/// A misspelt parameter, or a URL that was not percent-encoded and falls apart at its `&`, must not
/// delete more than was meant: whatever is not one `url` is refused.
fn url_in_query(query: &str) -> Result<Option<ConsumerUrl>, Problem> {
    let mut url = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "url" {
            let reason = format!("unknown parameter {}; the one known is `url`", quote(&name));
            return Err(problems::bad_query(&reason));
        }
        if url.replace(ConsumerUrl::parse(&value)?).is_some() {
            return Err(problems::bad_query("the parameter `url` is there twice"));
        }
    }
    Ok(url)
}

//! The routes under `/registrations`.

use problem_details::Problem;
use serde::Serialize;
use url::form_urlencoded;

use crate::body::{self, Chunks};
use crate::config::Settings;
use crate::consumer_url::{self, ConsumerUrl, UrlError};
use crate::event::{EventError, Pattern};
use crate::fields::Fields;
use crate::handshake;
use crate::http::{Request, Response};
use crate::key::SigningKey;
use crate::platform::{Clock, Network};
use crate::problems::{self, quote};
use crate::sender::SenderApi;
use crate::store::{ListedRegistration, Registration, Storage, Store};

/// The response to a registration: the only one with a key.
#[derive(Serialize)]
struct Registered<'a> {
    url: String,
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

/// Handles `POST /registrations` with `{"url","event"}`: after a handshake, responds with 201 and the
/// key, or with 200 and a new key if the URL was already registered.
///
/// Nothing is written before the handshake has succeeded; if it fails, an existing registration keeps
/// its key. If a sender delivers the events, it is updated before the table: the sender knows every
/// URL in the table.
pub async fn register(
    platform: &(impl Storage + Network),
    settings: &Settings,
    sender: Option<&SenderApi>,
    request: Request<impl Chunks>,
) -> Result<Response, Problem> {
    let (url, event) = read(platform, request).await?;
    url.check_host(settings.allow_private_hosts)?;
    let store = Store::select(platform)?;
    let known_key = store.find_key(url.as_str())?;
    let registration = Registration {
        url: url.as_str().to_owned(),
        event,
        key: SigningKey::generate(&mut rand::rng()),
    };
    handshake::shake_hands(platform, &url, &registration.key, settings.timeout).await?;
    if let Some(sender) = sender {
        sender
            .put(platform, &registration, settings.timeout)
            .await?;
    }
    if !store.save_if_unchanged(&registration, known_key.as_ref())? {
        return Err(problems::registration_conflict());
    }
    let status = if known_key.is_some() { 200 } else { 201 };
    let registered = Registered {
        url: url.redacted(),
        event: &registration.event,
        signing_key: registration.key.text(),
    };
    Ok(Response::json(status, &registered))
}

/// Parses the body. Unknown members are ignored, and an empty event stands for all events.
async fn read(
    clock: &impl Clock,
    request: Request<impl Chunks>,
) -> Result<(ConsumerUrl, String), Problem> {
    let body = body::read_json(clock, request).await?;
    let fields = Fields::read_known(&body, &["url", "event"])?;
    let (url, mut event) = (fields.text("url")?, fields.text("event")?);
    if event.is_empty() {
        event = Pattern::EVERY.to_owned();
    }
    Pattern::parse(&event)?;
    let url = ConsumerUrl::parse(&url)?;
    // As a URL, it would be another registration with the keys of the redacted one.
    if url.has_redacted_value() {
        return Err(UrlError::Redacted.into());
    }
    Ok((url, event))
}

/// Handles `GET /registrations`: responds with 200 and the list, the oldest first, without keys and
/// tokens.
pub fn list(platform: &impl Storage) -> Result<Response, Problem> {
    let rows = Store::select(platform)?.list()?;
    let rows: Vec<Listed> = rows.into_iter().map(Listed::from).collect();
    Ok(Response::json(200, &rows))
}

impl From<ListedRegistration> for Listed {
    fn from(row: ListedRegistration) -> Self {
        Self {
            url: consumer_url::redacted(&row.url),
            event: row.event,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The registrations that `DELETE /registrations` selects.
enum Selection {
    All,
    One(ConsumerUrl),
}

/// Handles `DELETE /registrations` with `?url=` for one or `?all=true` for all: responds with 200 and
/// the number of deleted ones. If a sender delivers the events, its endpoints are deleted first.
pub async fn delete(
    platform: &(impl Storage + Network),
    settings: &Settings,
    sender: Option<&SenderApi>,
    request: Request<impl Chunks>,
) -> Result<Response, Problem> {
    let selection = parse_selection(request.query.as_deref().unwrap_or_default())?;
    // A selection in the body would be ignored, so a body is an error.
    if !body::read(platform, request).await?.is_empty() {
        return Err(problems::bad_query(
            "the body must be empty; select registrations with the query",
        ));
    }
    let store = Store::select(platform)?;
    let urls: Vec<String> = match &selection {
        Selection::All => store.list()?.into_iter().map(|row| row.url).collect(),
        Selection::One(url) => registered(&store, url)?.into_iter().collect(),
    };
    if let Some(sender) = sender {
        let unknown = match &selection {
            Selection::One(url) if urls.is_empty() => Some(url.as_str()),
            _ => None,
        };
        for url in urls.iter().map(String::as_str).chain(unknown) {
            sender.remove(platform, url, settings.timeout).await?;
        }
    }
    let deleted = match selection {
        Selection::All => store.delete_all()?,
        Selection::One(_) => match urls.first() {
            Some(url) => store.delete(url)?,
            None => 0,
        },
    };
    Ok(Response::json(200, &Deleted { deleted }))
}

/// Returns the URL in the table for a URL in a request: either the URL itself, or the one whose
/// redacted form it is. So entries of the list, whose tokens are redacted, can be deleted.
fn registered(
    store: &Store<'_, impl Storage>,
    url: &ConsumerUrl,
) -> Result<Option<String>, Problem> {
    let rows = store.list()?;
    let is_this = |row: &ListedRegistration| {
        ConsumerUrl::parse(&row.url).is_ok_and(|row| row.as_str() == url.as_str())
    };
    if let Some(row) = rows.iter().find(|row| is_this(row)) {
        return Ok(Some(row.url.clone()));
    }
    let mut matching = rows
        .into_iter()
        .map(|row| row.url)
        .filter(|row| consumer_url::redacted(row) == url.as_str());
    match (matching.next(), matching.next()) {
        (Some(_), Some(_)) => Err(problems::bad_query(
            "several registrations have this redacted `url`; use the one with its token",
        )),
        (found, _) => Ok(found),
    }
}

/// Parses the query. A misspelt parameter, or a URL that was not percent-encoded and was split at its
/// `&`, must not delete too much: only a single `url` or `all=true` is accepted.
fn parse_selection(query: &str) -> Result<Selection, Problem> {
    let mut selection = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let this = match (&*name, &*value) {
            ("url", url) => Selection::One(ConsumerUrl::parse(url)?),
            ("all", "true") => Selection::All,
            _ => {
                // The value is not shown: it may be a token from a URL that was split.
                let name = quote(&name);
                let reason = format!("parameter {name} is neither `url=…` nor `all=true`");
                return Err(problems::bad_query(&reason));
            }
        };
        if selection.replace(this).is_some() {
            return Err(problems::bad_query("only one selector is allowed"));
        }
    }
    selection.ok_or_else(|| {
        problems::bad_query(
            "select what to delete: `?url=` for one registration, `?all=true` for all",
        )
    })
}

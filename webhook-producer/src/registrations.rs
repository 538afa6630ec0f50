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
use crate::outside::{Clock, Database, Log, Network};
use crate::problems::{self, quote};
use crate::sender::Mirror;
use crate::store::{ListedRegistration, Registration, Store};

/// The answer to a registration: the one place where a key is shown.
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
    let (url, event) = read(outside, request).await?;
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
        url: url.shown(),
        event: &registration.event,
        signing_key: registration.key.text(),
    };
    Ok(Response::json(status, &answer))
}

/// A consumer may send more than is asked for; an empty event wants every one.
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
    // As a URL of its own it would share the consumer's keys with the one that is meant.
    if url.is_hidden() {
        return Err(UrlError::Hidden.into());
    }
    Ok((url, event))
}

/// `GET /registrations`: 200 with the list, the oldest first, without keys and tokens.
pub fn list(outside: &(impl Database + Log)) -> Result<Response, Problem> {
    let rows = Store::new(outside).list()?;
    let rows: Vec<Listed> = rows.into_iter().map(Listed::from).collect();
    Ok(Response::json(200, &rows))
}

impl From<ListedRegistration> for Listed {
    fn from(row: ListedRegistration) -> Self {
        Self {
            url: consumer_url::shown(&row.url),
            event: row.event,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The selection of `DELETE /registrations`.
enum Selected {
    All,
    One(ConsumerUrl),
}

/// `DELETE /registrations` with `?url=` for one or `?all=true` for all of them: 200 with how many are
/// gone. Where a sender delivers, they are gone there first.
pub async fn delete(
    outside: &(impl Database + Network + Clock + Log),
    settings: &Settings,
    mirror: Option<&Mirror>,
    request: Request<impl Chunks>,
) -> Result<Response, Problem> {
    let selected = selected(request.query.as_deref().unwrap_or_default())?;
    // A selector that was put into the body would be taken for none.
    if !body::read(outside, request).await?.is_empty() {
        return Err(problems::bad_query(
            "the body says nothing here; what to delete is said by the query",
        ));
    }
    let store = Store::new(outside);
    let urls: Vec<String> = match &selected {
        Selected::All => store.list()?.into_iter().map(|row| row.url).collect(),
        Selected::One(url) => registered(&store, url)?.into_iter().collect(),
    };
    if let Some(mirror) = mirror {
        let unknown = match &selected {
            Selected::One(url) if urls.is_empty() => Some(url.as_str()),
            _ => None,
        };
        for url in urls.iter().map(String::as_str).chain(unknown) {
            mirror.remove(outside, url, settings.timeout).await?;
        }
    }
    let deleted = match selected {
        Selected::All => store.delete_all()?,
        Selected::One(_) => match urls.first() {
            Some(url) => store.delete(url)?,
            None => 0,
        },
    };
    Ok(Response::json(200, &Deleted { deleted }))
}

/// The registration of a URL, as the table has it: that URL, or one that is shown as it. So what the
/// list shows can be deleted, although it hides tokens.
fn registered(
    store: &Store<'_, impl Database + Log>,
    url: &ConsumerUrl,
) -> Result<Option<String>, Problem> {
    let rows = store.list()?;
    let is_this = |row: &ListedRegistration| {
        ConsumerUrl::parse(&row.url).is_ok_and(|row| row.as_str() == url.as_str())
    };
    if let Some(row) = rows.iter().find(|row| is_this(row)) {
        return Ok(Some(row.url.clone()));
    }
    let mut shown = rows
        .into_iter()
        .map(|row| row.url)
        .filter(|row| consumer_url::shown(row) == url.as_str());
    match (shown.next(), shown.next()) {
        (Some(_), Some(_)) => Err(problems::bad_query(
            "several registrations are shown as this `url`; give the one with its token",
        )),
        (found, _) => Ok(found),
    }
}

/// A misspelt parameter, or a URL that was not percent-encoded and falls apart at its `&`, must not
/// delete more than was meant: whatever is not one `url`, or `all=true`, is refused.
fn selected(query: &str) -> Result<Selected, Problem> {
    let mut selected = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let this = match (&*name, &*value) {
            ("url", url) => Selected::One(ConsumerUrl::parse(url)?),
            ("all", "true") => Selected::All,
            _ => {
                // The value is not shown: it may be a token of a URL that fell apart.
                let name = quote(&name);
                let reason = format!("parameter {name} is neither `url=…` nor `all=true`");
                return Err(problems::bad_query(&reason));
            }
        };
        if selected.replace(this).is_some() {
            return Err(problems::bad_query("there is more than one selector"));
        }
    }
    selected.ok_or_else(|| {
        problems::bad_query("say what to delete: `?url=` for one registration, `?all=true` for all")
    })
}

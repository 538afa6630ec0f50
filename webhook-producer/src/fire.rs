//! `POST /fire`: every consumer that wants the event gets it, signed with its own key.

use std::rc::Rc;
use std::time::Duration;

use problem_details::Problem;
use rand::seq::SliceRandom;
use serde::Serialize;

use crate::body::{self, Chunks};
use crate::config::Settings;
use crate::consumer_url::{self, ConsumerUrl};
use crate::event::{Event, Pattern};
use crate::event_id::EventId;
use crate::fan_out::{Fate, fan_out};
use crate::fields::Fields;
use crate::http::{Request, Response};
use crate::outside::{
    CallError, Clock, Database, Log, Message, Network, Outgoing, Phase, Signer, Stream, Verb,
};
use crate::problems;
use crate::sender::Queue;
use crate::signing;
use crate::store::{Registration, Store};

/// What a consumer gets.
#[derive(Serialize)]
struct Payload<'a, D> {
    event: &'a str,
    data: D,
}

/// One consumer's line of the answer: a status, or an error that says why there is none.
#[derive(Serialize)]
struct Row {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    milliseconds: u64,
}

/// One firing: every consumer gets it under the same id, and whoever gets it twice can tell.
struct Firing {
    id: EventId,
    occasion: Occasion,
}

/// What is fired.
enum Occasion {
    /// Nothing in particular: each consumer gets the event it registered for, with its own URL.
    Trial,
    /// An event; the payload is the same for everybody.
    Event { event: Event, payload: Rc<[u8]> },
}

/// What a firing through the stream is answered with.
#[derive(Serialize)]
struct Queued<'a> {
    id: &'a str,
}

/// Writes the event to the stream, from which the sender delivers it, and answers 202 with its id
/// once it is there. The sender's `data` is the payload that consumers get.
///
/// # Errors
///
/// 400 without an event: who gets one is decided by its type. 503 when the stream does not take it.
pub async fn enqueue(
    outside: &(impl Stream + Clock + Log),
    queue: &Queue,
    request: Request<impl Chunks>,
) -> Result<Response, Problem> {
    let Occasion::Event { event, payload } = read(outside, request).await? else {
        return Err(problems::event_required());
    };
    let id = EventId::generate(&mut rand::rng());
    queue.append(outside, &id, &event, &payload)?;
    outside.log(&format!("PRODUCER: Event {id} is on the stream"));
    Ok(Response::json(202, &Queued { id: id.as_str() }))
}

/// Fires at every consumer that wants the event, or without a body at every one, and answers 200
/// with one row a consumer in the order of registration.
///
/// The whole takes at most `settings.timeout`, counted from when the body was read. With more
/// consumers than `settings.max_concurrency` the order in which they are called is drawn anew each
/// time, so that those behind consumers that hang are not always the same.
pub async fn fire(
    outside: &(impl Database + Network + Signer + Clock + Log),
    settings: &Settings,
    request: Request<impl Chunks>,
) -> Result<Response, Problem> {
    let occasion = read(outside, request).await?;
    let deadline = outside.now() + settings.timeout;
    let firing = Firing {
        id: EventId::generate(&mut rand::rng()),
        occasion,
    };
    outside.log(&format!("PRODUCER: Firing event {}", firing.id));
    outside.log("PRODUCER: Loading all CONSUMERS from database");
    let mut targets: Vec<(usize, Registration)> = Store::new(outside)
        .load_with_keys()?
        .into_iter()
        .filter(|registration| firing.occasion.is_for(registration))
        .enumerate()
        .collect();
    if targets.len() > settings.max_concurrency {
        targets.shuffle(&mut rand::rng());
    }
    let calls = targets
        .iter()
        .map(|(_, registration)| call(outside, settings, &firing, registration))
        .collect();
    let fates = fan_out(outside, calls, settings.max_concurrency, deadline).await;
    let mut rows: Vec<(usize, Row)> = targets
        .iter()
        .zip(fates)
        .map(|((place, registration), fate)| (*place, row(registration, fate, settings.timeout)))
        .collect();
    rows.sort_by_key(|(place, _)| *place);
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    log_rows(outside, &rows);
    Ok(Response::json(200, &rows))
}

async fn read(clock: &impl Clock, request: Request<impl Chunks>) -> Result<Occasion, Problem> {
    let Some(body) = body::read_optional_json(clock, request).await? else {
        return Ok(Occasion::Trial);
    };
    let fields = Fields::read(&body, &["event", "data"])?;
    let event = Event::parse(&fields.text("event")?)?;
    let payload = write(event.as_str(), fields.raw("data")?)?;
    Ok(Occasion::Event { event, payload })
}

impl Occasion {
    fn is_for(&self, registration: &Registration) -> bool {
        match self {
            Self::Trial => true,
            Self::Event { event, .. } => {
                Pattern::parse(&registration.event).is_ok_and(|pattern| pattern.matches(event))
            }
        }
    }

    fn payload(&self, registration: &Registration) -> Result<Rc<[u8]>, Problem> {
        match self {
            Self::Trial => write(&registration.event, &registration.url),
            Self::Event { payload, .. } => Ok(Rc::clone(payload)),
        }
    }
}

fn write(event: &str, data: &(impl Serialize + ?Sized)) -> Result<Rc<[u8]>, Problem> {
    let payload = serde_json::to_vec(&Payload { event, data });
    payload.map(Rc::from).map_err(|_| problems::internal())
}

/// One consumer's call, from the check of its URL on. The table may hold hosts that were allowed
/// when they were registered and are not now.
async fn call(
    outside: &(impl Network + Signer + Clock + Log),
    settings: &Settings,
    firing: &Firing,
    registration: &Registration,
) -> Result<u16, CallError> {
    let plan = |reason: String| CallError::new(Phase::Plan, reason);
    let url = ConsumerUrl::parse(&registration.url).map_err(|error| plan(error.to_string()))?;
    url.check_host(settings.allow_private_hosts)
        .map_err(|error| plan(error.to_string()))?;
    let body = firing
        .occasion
        .payload(registration)
        .map_err(|problem| plan(problem.to_string()))?;
    let message = Message {
        id: firing.id.as_str(),
        timestamp: outside.unix_seconds(),
        body: &body,
    };
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(signing::headers(outside, &message, &registration.key)?);
    outside.log(&format!(
        "PRODUCER: Sending signed payload to CONSUMER {}",
        url.for_log()
    ));
    let outgoing = Outgoing {
        method: Verb::Post,
        url: url.url().clone(),
        headers,
        body,
    };
    outside.send(outgoing, settings.timeout).await
}

fn row(registration: &Registration, fate: Fate<Result<u16, CallError>>, timeout: Duration) -> Row {
    let (result, took) = match fate {
        Fate::Ended(result, took) => (result, took),
        Fate::CutOff(took) => (Err(cut_off(timeout)), took),
        Fate::NotStarted => (Err(not_started(timeout)), Duration::ZERO),
    };
    Row {
        url: consumer_url::shown(&registration.url),
        status: result.as_ref().ok().copied(),
        error: result.err().map(|error| error.to_string()),
        milliseconds: milliseconds(took),
    }
}

fn cut_off(timeout: Duration) -> CallError {
    let reason = format!(
        "no answer before the firing's {} ms were over",
        milliseconds(timeout)
    );
    CallError::new(Phase::Timeout, reason)
}

fn not_started(timeout: Duration) -> CallError {
    let reason = format!(
        "the firing's {} ms were over, `max_concurrency` others were being called",
        milliseconds(timeout)
    );
    CallError::new(Phase::NotStarted, reason)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn log_rows(outside: &impl Log, rows: &[Row]) {
    for row in rows {
        let url = row.url.split('?').next().unwrap_or_default();
        outside.log(&match (row.status, &row.error) {
            (Some(status), _) => {
                format!("PRODUCER: CONSUMER {url} responded with status {status}")
            }
            (None, error) => format!(
                "PRODUCER: CONSUMER {url} did not respond: {}",
                error.as_deref().unwrap_or_default()
            ),
        });
    }
}

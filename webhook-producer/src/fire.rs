//! `POST /fire`: calls every consumer of the event, with a payload signed under its own key.

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
use crate::fan_out::{CallOutcome, fan_out};
use crate::fields::Fields;
use crate::http::{Request, Response};
use crate::platform::{
    CallError, Clock, Log, Message, Method, Network, Outgoing, Phase, Signer, Stream,
};
use crate::problems;
use crate::sender::Queue;
use crate::signing;
use crate::store::{Registration, Storage, Store};

/// The payload that a consumer receives.
#[derive(Serialize)]
struct Payload<'a, D> {
    event: &'a str,
    data: D,
}

/// One consumer's row of the response: a status, or an error.
#[derive(Serialize)]
struct Row {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    milliseconds: u64,
}

/// A firing with the id under which every consumer receives it.
struct Dispatch {
    id: EventId,
    firing: Firing,
}

/// A parsed request to fire.
enum Firing {
    /// A test without an event: each consumer receives its own pattern, with its own URL as the data.
    Test,
    /// An event; all consumers receive the same payload.
    Event { event: Event, payload: Rc<[u8]> },
}

/// The response to a firing through the stream.
#[derive(Serialize)]
struct Queued<'a> {
    id: &'a str,
}

/// Appends the event to the stream, from which the sender delivers it, and then responds with 202 and
/// its id. The sender's `data` is the payload that consumers receive.
///
/// # Errors
///
/// Returns 400 without an event, whose type selects the consumers, and 503 if the stream is
/// unavailable.
pub async fn enqueue(
    platform: &(impl Stream + Clock + Log),
    queue: &Queue,
    request: Request<impl Chunks>,
) -> Result<Response, Problem> {
    let Firing::Event { event, payload } = read(platform, request).await? else {
        return Err(problems::event_required());
    };
    let id = EventId::generate(&mut rand::rng());
    queue.append(platform, &id, &event, &payload)?;
    platform.log(&format!("PRODUCER: Event {id} is on the stream"));
    Ok(Response::json(202, &Queued { id: id.as_str() }))
}

/// Fires at every consumer of the event, or without a body at every consumer, and responds with 200
/// and one row per consumer in the order of registration.
///
/// All calls together take at most `settings.timeout`, starting when the body has been read. If there
/// are more consumers than `settings.max_concurrency`, the order of the calls is randomized, so that
/// consumers that hang do not always block the same others.
pub async fn fire(
    platform: &(impl Storage + Network + Signer),
    settings: &Settings,
    request: Request<impl Chunks>,
) -> Result<Response, Problem> {
    let firing = read(platform, request).await?;
    let deadline = platform.now() + settings.timeout;
    let dispatch = Dispatch {
        id: EventId::generate(&mut rand::rng()),
        firing,
    };
    platform.log(&format!("PRODUCER: Firing event {}", dispatch.id));
    platform.log("PRODUCER: Loading all CONSUMERS from database");
    let mut targets: Vec<(usize, Registration)> = Store::select(platform)?
        .load_with_keys()?
        .into_iter()
        .filter(|registration| dispatch.firing.is_for(registration))
        .enumerate()
        .collect();
    if targets.len() > settings.max_concurrency {
        targets.shuffle(&mut rand::rng());
    }
    let calls = targets
        .iter()
        .map(|(_, registration)| call(platform, settings, &dispatch, registration))
        .collect();
    let outcomes = fan_out(platform, calls, settings.max_concurrency, deadline).await;
    let mut rows: Vec<(usize, Row)> = targets
        .iter()
        .zip(outcomes)
        .map(|((index, registration), outcome)| {
            (*index, row(registration, outcome, settings.timeout))
        })
        .collect();
    rows.sort_by_key(|(index, _)| *index);
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    log_rows(platform, &rows);
    Ok(Response::json(200, &rows))
}

async fn read(clock: &impl Clock, request: Request<impl Chunks>) -> Result<Firing, Problem> {
    let Some(body) = body::read_optional_json(clock, request).await? else {
        return Ok(Firing::Test);
    };
    let fields = Fields::read(&body, &["event", "data"])?;
    let event = Event::parse(&fields.text("event")?)?;
    let payload = write(event.as_str(), fields.raw("data")?)?;
    Ok(Firing::Event { event, payload })
}

impl Firing {
    fn is_for(&self, registration: &Registration) -> bool {
        match self {
            Self::Test => true,
            Self::Event { event, .. } => {
                Pattern::parse(&registration.event).is_ok_and(|pattern| pattern.matches(event))
            }
        }
    }

    fn payload(&self, registration: &Registration) -> Result<Rc<[u8]>, Problem> {
        match self {
            Self::Test => write(&registration.event, &registration.url),
            Self::Event { payload, .. } => Ok(Rc::clone(payload)),
        }
    }
}

fn write(event: &str, data: &(impl Serialize + ?Sized)) -> Result<Rc<[u8]>, Problem> {
    let payload = serde_json::to_vec(&Payload { event, data });
    payload.map(Rc::from).map_err(|_| problems::internal())
}

/// Calls one consumer. Its URL is checked again: the table may contain hosts that were allowed when
/// they were registered, but no longer are.
async fn call(
    platform: &(impl Network + Signer + Clock + Log),
    settings: &Settings,
    dispatch: &Dispatch,
    registration: &Registration,
) -> Result<u16, CallError> {
    let plan = |reason: String| CallError::new(Phase::Plan, reason);
    let url = ConsumerUrl::parse(&registration.url).map_err(|error| plan(error.to_string()))?;
    url.check_host(settings.allow_private_hosts)
        .map_err(|error| plan(error.to_string()))?;
    let body = dispatch
        .firing
        .payload(registration)
        .map_err(|problem| plan(problem.to_string()))?;
    let message = Message {
        id: dispatch.id.as_str(),
        timestamp: platform.unix_seconds(),
        body: &body,
    };
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(signing::headers(platform, &message, &registration.key)?);
    platform.log(&format!(
        "PRODUCER: Sending signed payload to CONSUMER {}",
        url.for_log()
    ));
    let outgoing = Outgoing {
        method: Method::Post,
        url: url.url().clone(),
        headers,
        body,
    };
    platform.send(outgoing, settings.timeout).await
}

fn row(
    registration: &Registration,
    outcome: CallOutcome<Result<u16, CallError>>,
    timeout: Duration,
) -> Row {
    let (result, took) = match outcome {
        CallOutcome::Ended(result, took) => (result, took),
        CallOutcome::CutOff(took) => (Err(cut_off(timeout)), took),
        CallOutcome::NotStarted => (Err(not_started(timeout)), Duration::ZERO),
    };
    Row {
        url: consumer_url::redacted(&registration.url),
        status: result.as_ref().ok().copied(),
        error: result.err().map(|error| error.to_string()),
        milliseconds: milliseconds(took),
    }
}

fn cut_off(timeout: Duration) -> CallError {
    let reason = format!(
        "no response within the firing's {} ms",
        milliseconds(timeout)
    );
    CallError::new(Phase::Timeout, reason)
}

fn not_started(timeout: Duration) -> CallError {
    let reason = format!(
        "the firing's {} ms elapsed while `max_concurrency` other calls were running",
        milliseconds(timeout)
    );
    CallError::new(Phase::NotStarted, reason)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn log_rows(platform: &impl Log, rows: &[Row]) {
    for row in rows {
        let url = row.url.split('?').next().unwrap_or_default();
        platform.log(&match (row.status, &row.error) {
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

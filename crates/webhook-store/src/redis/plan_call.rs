//! The call of the planning script: its records and its other arguments.

use std::collections::BTreeMap;

use redis::{Cmd, RedisWrite};
use webhook_model::{DeliveryId, EndpointId, EventId, Millis, Owner};

use super::event_record::write_event;
use super::keys::TenantKeys;
use super::record::{NewRecord, ORDERED, OWN_BODY};
use super::scripts::PLAN;
use super::store::stamp;
use crate::{InitialState, NewDelivery, PlannedEvent};

/// The owner of deliveries that start claimed.
pub(super) struct Claimer<'a> {
    pub owner: &'a Owner,
    /// The owner and the fence, in the form of a record.
    pub in_flight_prefix: Vec<u8>,
}

/// The scores of the records of one call.
pub(super) struct CallScores {
    /// The score of the first new event.
    pub event: u64,
    pub deliveries: Box<dyn Iterator<Item = u64> + Send>,
}

type ByEndpoint<'a> = BTreeMap<&'a EndpointId, Vec<(u64, &'a DeliveryId)>>;

/// The arguments of the script that follow the records.
#[derive(Default)]
struct Sections<'a> {
    claimed: Vec<&'a DeliveryId>,
    planned: ByEndpoint<'a>,
    due: ByEndpoint<'a>,
    dead: ByEndpoint<'a>,
    lingering: Vec<&'a EventId>,
    ordered: Vec<Ordered<'a>>,
}

struct Ordered<'a> {
    /// The index of its record among the pairs that are not events.
    pair: usize,
    delivery: &'a NewDelivery,
    ordering_group: Vec<u8>,
    /// Its record for the case that it must wait for its group.
    waiting: Vec<u8>,
}

/// The writer of one script call, in the order of the arguments.
pub(super) struct PlanCall<'a> {
    /// True if the events were accepted before.
    accepted: bool,
    keys: &'a TenantKeys,
    claimer: &'a Claimer<'a>,
    now: Millis,
    scores: CallScores,
    sections: Sections<'a>,
}

impl<'a> PlanCall<'a> {
    pub(super) fn new(
        keys: &'a TenantKeys,
        claimer: &'a Claimer<'a>,
        accepted: bool,
        now: Millis,
        scores: CallScores,
    ) -> Self {
        Self {
            accepted,
            keys,
            claimer,
            now,
            scores,
            sections: Sections::default(),
        }
    }

    /// Returns the call that plans `events` against `version` of the endpoints.
    pub(super) fn call(&mut self, version: u64, events: &[&'a PlannedEvent]) -> Cmd {
        let deliveries = || events.iter().flat_map(|event| &event.deliveries);
        let bodies = deliveries().filter_map(|delivery| delivery.body.as_ref());
        let data = events
            .iter()
            .map(|event| event.event.data.len())
            .sum::<usize>();
        let bytes = data + bodies.clone().map(bytes::Bytes::len).sum::<usize>();
        let (count, own) = (deliveries().count(), bodies.count());
        let arguments = 2 * events.len() + 8 * count + 32;
        let mut call = PLAN.call_sized(
            &self.keys.root(),
            arguments,
            bytes + 400 * (events.len() + count),
        );
        call.arg(version).arg(&self.claimer.owner.incarnation);
        call.arg(u8::from(self.accepted)).arg(self.scores.event);
        call.arg(events.len()).arg(count + own);
        for event in events {
            self.write_event(&mut call, event);
        }
        let mut pair = 0;
        for event in events {
            for delivery in &event.deliveries {
                pair = self.write_delivery(&mut call, event, delivery, pair);
            }
        }
        self.write_sections(&mut call);
        call
    }

    fn write_event(&mut self, call: &mut Cmd, event: &'a PlannedEvent) {
        let ids: Vec<&DeliveryId> = event
            .deliveries
            .iter()
            .map(|delivery| &delivery.id)
            .collect();
        call.write_arg_fmt(format_args!("{}e:{}", self.keys.base(), event.event.id));
        call.arg(write_event(&event.event, self.now, &ids));
        if ids.is_empty() {
            self.sections.lingering.push(&event.event.id);
        }
    }

    /// Writes a delivery. Returns the index of the next pair.
    fn write_delivery(
        &mut self,
        call: &mut Cmd,
        event: &'a PlannedEvent,
        delivery: &'a NewDelivery,
        pair: usize,
    ) -> usize {
        let base = self.keys.base();
        let score = self.scores.deliveries.next().unwrap_or_default();
        let ordering_group = if delivery.ordered {
            ordering_group(event.event.ordering_key.as_deref())
        } else {
            Vec::new()
        };
        let own_body = if delivery.body.is_some() { OWN_BODY } else { 0 };
        let mut record = NewRecord {
            state: b'F',
            owner: &self.claimer.in_flight_prefix,
            when: self.now,
            flags: own_body | if delivery.ordered { ORDERED } else { 0 },
            reason: "",
            score,
            event: &event.event.id,
            endpoint: &delivery.endpoint,
            ordering_group: &ordering_group,
        };
        let due = match &delivery.start {
            InitialState::Claimed => None,
            InitialState::Due(at) => {
                (record.state, record.owner, record.when) = (b'P', b"", *at);
                Some(*at)
            }
            InitialState::Dead(reason) => {
                (record.state, record.owner, record.reason) = (b'D', b"", reason);
                None
            }
        };
        call.write_arg_fmt(format_args!("{base}d:{}", delivery.id));
        call.arg(record.write());
        let (dead, ordered) = (record.state == b'D', delivery.ordered);
        (record.state, record.owner) = (b'W', b"");
        let waiting = if ordered && !dead {
            record.write()
        } else {
            Vec::new()
        };
        if let Some(body) = &delivery.body {
            call.write_arg_fmt(format_args!("{base}b:{}", delivery.id));
            call.arg(&body[..]);
        }
        let sections = &mut self.sections;
        let by = |map: &mut ByEndpoint<'a>, score| {
            map.entry(&delivery.endpoint)
                .or_default()
                .push((score, &delivery.id));
        };
        by(&mut sections.planned, score);
        if dead {
            by(&mut sections.dead, score);
        }
        if ordered {
            sections.ordered.push(Ordered {
                pair,
                delivery,
                ordering_group,
                waiting,
            });
        } else if dead {
            // The sections `planned` and `dead` are enough.
        } else if let Some(due) = due {
            by(&mut sections.due, due.0);
        } else {
            sections.claimed.push(&delivery.id);
        }
        pair + 1 + usize::from(delivery.body.is_some())
    }

    fn write_sections(&self, call: &mut Cmd) {
        let sections = &self.sections;
        call.arg(sections.claimed.len());
        for id in &sections.claimed {
            call.arg(id.as_str());
        }
        for grouped in [&sections.planned, &sections.due, &sections.dead] {
            call.arg(grouped.len());
            for (endpoint, rows) in grouped {
                call.arg(endpoint.as_str()).arg(rows.len());
                for (score, id) in rows {
                    call.arg(*score).arg(id.as_str());
                }
            }
        }
        let dead = || sections.dead.values().flatten();
        call.arg(dead().count());
        for (_, id) in dead() {
            call.arg([&stamp(self.now), id.as_str().as_bytes()].concat());
        }
        call.arg(sections.lingering.len());
        for id in &sections.lingering {
            call.arg(self.now.0).arg(id.as_str());
        }
        call.arg(sections.ordered.len());
        for ordered in &sections.ordered {
            let delivery = ordered.delivery;
            call.arg(ordered.pair)
                .arg(delivery.endpoint.as_str())
                .arg(&ordered.ordering_group[8..]);
            call.arg(delivery.id.as_str());
            call.arg(match &delivery.start {
                InitialState::Claimed => String::new(),
                InitialState::Due(at) => at.0.to_string(),
                InitialState::Dead(_) => "dead".to_owned(),
            });
            call.arg(&ordered.waiting);
        }
    }
}

/// Returns the ordering group of an event's deliveries; all without an ordering key share one group.
/// The first eight bytes are reserved for the position in the group, which the script sets.
fn ordering_group(key: Option<&str>) -> Vec<u8> {
    let name = key
        .map(|key| [b"k", key.as_bytes()].concat())
        .unwrap_or_default();
    [&[0; 8], name.as_slice()].concat()
}

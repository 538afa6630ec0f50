//! Connects the configured sources to the planner.

use std::sync::Arc;

use anyhow::{Context, Result};
use event_sources::{Bounds, Intake, Sink};
use event_sources::{kafka, nats, postgres_outbox, rabbitmq, redis_streams};
use postgres_link::Connector;
use redis_link::Address;
use webhook_model::{Clock, Owner};

use crate::config::{Config, KafkaConfig, KafkaTls, SourceConfig, SourceKind};

/// Creates an intake for each source. They connect when they run.
///
/// # Errors
///
/// Fails if the address of a source is invalid.
pub fn intakes(
    config: &Config,
    owner: &Owner,
    sink: Arc<dyn Sink>,
    clock: &Clock,
) -> Result<Vec<Arc<Intake>>> {
    let bounds = Bounds::shared_by(config.sources.len(), config.delivery.max_body);
    let intake = |source: &SourceConfig| -> Result<Arc<Intake>> {
        let intake = intake(source, bounds, owner, sink.clone(), clock.clone());
        let intake = intake.with_context(|| format!("source `{}`", source.name))?;
        Ok(Arc::new(intake))
    };
    config.sources.iter().map(intake).collect()
}

fn intake(
    source: &SourceConfig,
    bounds: Bounds,
    owner: &Owner,
    sink: Arc<dyn Sink>,
    clock: Clock,
) -> Result<Intake> {
    let SourceConfig {
        name, url, tenant, ..
    } = source;
    let (url, tenant) = (url.reveal(), tenant.clone());
    Ok(match &source.kind {
        SourceKind::Redis {
            stream,
            group,
            claim_after,
            trim,
        } => {
            let address = Address::parse(url)?;
            let settings = redis_streams::Settings {
                bounds: bounds.a_quarter(),
                min_idle: *claim_after,
                trim: *trim,
                tenant,
                ..redis_streams::Settings::new(name, address, stream, group, owner.clone())
            };
            Intake::new(redis_streams::RedisStream::new(settings, clock), sink)
        }
        SourceKind::RabbitMq { queue, prefetch } => {
            let settings = rabbitmq::Settings {
                bounds,
                prefetch: *prefetch,
                tenant,
                ..rabbitmq::Settings::new(name, rabbitmq::Address::parse(url)?, queue)
            };
            Intake::new(rabbitmq::RabbitQueue::new(settings, clock)?, sink)
        }
        SourceKind::Nats {
            stream,
            group,
            subjects,
            credentials,
        } => {
            let credentials = credentials.as_ref();
            let settings = nats::Settings {
                bounds,
                tenant,
                subjects: subjects.clone(),
                credentials: credentials.map(|text| nats::Credentials::new(text.reveal())),
                ..nats::Settings::new(name, nats::Address::parse(url)?, stream, group)
            };
            Intake::new(nats::JetStream::new(settings, clock), sink)
        }
        SourceKind::Postgres { table } => {
            let connector = Connector::new(postgres_link::Address::parse(url)?)?;
            let settings = postgres_outbox::Settings {
                bounds: bounds.a_quarter(),
                tenant,
                ..postgres_outbox::Settings::new(name, connector, table.clone())
            };
            Intake::new(postgres_outbox::Outbox::new(settings, clock), sink)
        }
        SourceKind::Kafka(KafkaConfig {
            topics,
            group,
            sasl,
            tls,
        }) => {
            let (address, topics) = (kafka::Address::parse(url)?, topics.clone());
            let settings = kafka::Settings {
                bounds: bounds.a_quarter(),
                sasl: *sasl,
                tls: tls.as_ref().map(kafka_tls),
                tenant,
                ..kafka::Settings::new(name, address, topics, group)
            };
            kafka::intake(settings, clock, sink)?
        }
    })
}

fn kafka_tls(tls: &KafkaTls) -> kafka::Tls {
    let certificate = tls.certificate.as_ref();
    kafka::Tls {
        authorities: tls.ca.clone(),
        certificate: certificate.map(|(certificate, key)| kafka::ClientCertificate {
            certificate: certificate.reveal().to_owned(),
            key: key.reveal().to_owned(),
        }),
    }
}

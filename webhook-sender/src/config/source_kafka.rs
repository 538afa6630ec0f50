//! The keys of a `[[source]]` of Kafka.

use std::path::{Path, PathBuf};

use config_diagnostics::{Fields, Node, unknown_name};
use event_sources::kafka::Sasl;

use super::read::{self, flag};
use super::secret_ref::{Token, secret};

/// The default name of a topic.
const EVENTS: &str = "events";

/// The most characters of a topic's name.
const MAX_TOPIC: usize = 249;

/// The keys of Kafka.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    pub topics: Vec<String>,
    pub group: String,
    pub sasl: Sasl,
    /// None for connections that are not encrypted.
    pub tls: Option<KafkaTls>,
}

/// Encrypted connections to Kafka.
#[derive(Clone, Debug)]
pub struct KafkaTls {
    /// A file of authorities to trust, instead of those of the system.
    pub ca: Option<PathBuf>,
    /// The certificate of the client and its key, in PEM.
    pub certificate: Option<(Token, Token)>,
}

/// Reads the keys besides the group.
pub(super) fn read(fields: &mut Fields<'_>, folder: &Path, group: String) -> KafkaConfig {
    let has_topics = fields.has("topics");
    let line = fields.line_of("topics");
    let topics = fields.list("topics", topic);
    let topics = topics.unwrap_or_else(|| vec![EVENTS.into()]);
    if has_topics && topics.is_empty() && !fields.any_fault_of("topics") {
        fields.fault_at("topics", line, "no topic");
    }
    KafkaConfig {
        topics,
        group,
        sasl: fields.get("sasl", sasl).unwrap_or(Sasl::Plain),
        tls: read_tls(fields, folder),
    }
}

/// Checks that this program can read Kafka.
pub(super) fn check_built(is_built: bool) -> Result<(), String> {
    if is_built {
        return Ok(());
    }
    Err(
        "a source of Kafka, and this program was built without the feature `kafka`: \
         `cargo build --features kafka`, or use the container image or an archive of a release"
            .into(),
    )
}

fn read_tls(fields: &mut Fields<'_>, folder: &Path) -> Option<KafkaTls> {
    let is_on = fields.get("tls", flag).unwrap_or(false);
    let given =
        ["ca", "certificate", "key"].map(|key| fields.has(key).then(|| fields.line_of(key)));
    let ca = fields.get("ca", |node| read::text(node).map(|path| folder.join(path)));
    let certificate = fields.get("certificate", secret(folder));
    let key = fields.get("key", secret(folder));
    let [ca_given, certificate_given, key_given] = given;
    let mut fault = |key, line, message: &str| fields.fault_at(key, line, message);
    if !is_on {
        let all = [
            ("ca", ca_given),
            ("certificate", certificate_given),
            ("key", key_given),
        ];
        for (key, line) in all {
            if let Some(line) = line {
                fault(key, line, "it has no effect without `tls = true`");
            }
        }
        return None;
    }
    match (certificate_given, key_given) {
        (Some(line), None) => fault("certificate", line, "it needs `key`"),
        (None, Some(line)) => fault("key", line, "it needs `certificate`"),
        _ => {}
    }
    Some(KafkaTls {
        ca,
        certificate: certificate.zip(key),
    })
}

fn topic(node: Node) -> Result<String, String> {
    let text = read::text(node)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.is_empty() || text.len() > MAX_TOPIC || !text.bytes().all(fits) {
        return Err(format!(
            "`{text}` is no name of a topic: 1 to {MAX_TOPIC} letters, digits, `.`, `-` and `_`"
        ));
    }
    Ok(text)
}

fn sasl(node: Node) -> Result<Sasl, String> {
    let text = read::text(node)?;
    let found = Sasl::ALL.into_iter().find(|(name, _)| *name == text);
    let names = Sasl::ALL.map(|(name, _)| name);
    let unknown = || unknown_name("mechanism", &text, &names);
    found.map(|(_, sasl)| sasl).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_kafka_names_the_feature() {
        assert_eq!(check_built(true), Ok(()));
        let error = check_built(false).unwrap_err();
        assert!(error.contains("feature `kafka`"), "{error}");
    }
}

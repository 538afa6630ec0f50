//! Folders of cases for URLs and events.

#![cfg(not(target_family = "wasm"))]

use std::path::PathBuf;

use webhook_producer::consumer_url::ConsumerUrl;
use webhook_producer::event::{Event, Pattern};
use webhook_producer::host::HostError;

/// Returns the lines of a file of cases, each split at `separator` into `N` parts.
fn cases<const N: usize>(file: &str, separator: &str) -> Vec<[String; N]> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(file);
    let text = std::fs::read_to_string(&path).expect("a file of cases");
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "));
    let cases: Vec<[String; N]> = lines
        .map(|line| {
            let parts: Vec<String> = line.split(separator).map(str::to_owned).collect();
            parts
                .try_into()
                .unwrap_or_else(|_| panic!("{file}: `{line}` does not have {N} parts"))
        })
        .collect();
    assert!(!cases.is_empty(), "{file} has no cases");
    cases
}

fn url_cases(file: &str) -> Vec<(String, ConsumerUrl)> {
    cases(file, " => ")
        .into_iter()
        .map(|[text, normalized]| {
            let url = ConsumerUrl::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(url.as_str(), normalized, "{text}");
            (text, url)
        })
        .collect()
}

#[test]
fn a_public_host_may_always_be_called() {
    for (text, url) in url_cases("urls/public.txt") {
        assert_eq!(url.check_host(false), Ok(()), "{text}");
        assert_eq!(url.check_host(true), Ok(()), "{text}");
    }
}

#[test]
fn a_private_host_may_be_called_only_if_it_is_allowed() {
    for (text, url) in url_cases("urls/private.txt") {
        let refused = matches!(url.check_host(false), Err(HostError::Private(_)));
        assert!(refused, "{text}");
        assert_eq!(url.check_host(true), Ok(()), "{text}");
    }
}

#[test]
fn a_forbidden_host_is_never_called() {
    for (text, url) in url_cases("urls/forbidden.txt") {
        for allow_private in [false, true] {
            let refused = matches!(url.check_host(allow_private), Err(HostError::Forbidden(_)));
            assert!(refused, "{text} with allow_private_hosts = {allow_private}");
        }
    }
}

#[test]
fn a_malformed_url_is_rejected_with_the_reason() {
    for [text, reason] in cases("urls/malformed.txt", " => ") {
        let error = ConsumerUrl::parse(&text).err();
        let error = error.map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(reason.as_str()), "{text}");
    }
}

#[test]
fn each_text_is_a_pattern_or_an_event_or_has_an_error() {
    for [text, as_pattern, as_event] in cases("events/patterns.txt", " => ") {
        let pattern = match Pattern::parse(&text) {
            Ok(Pattern::Exact(_)) => "exact".to_owned(),
            Ok(Pattern::Prefix(_)) => "prefix".to_owned(),
            Ok(Pattern::All) => "all".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(pattern, as_pattern, "{text}");
        let event = match Event::parse(&text) {
            Ok(_) => "event".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(event, as_event, "{text}");
    }
}

#[test]
fn a_pattern_matches_the_listed_events_and_no_others() {
    for [pattern, events] in cases("events/matching.txt", " <- ") {
        let pattern_parsed = Pattern::parse(&pattern).unwrap();
        let (matching, other) = events.split_once(" | ").expect("two sides");
        let check = |names: &str, expected: bool| {
            for name in names.split(", ") {
                let event = Event::parse(name).unwrap();
                assert_eq!(
                    pattern_parsed.matches(&event),
                    expected,
                    "`{pattern}` and `{name}`"
                );
                assert!(Pattern::All.matches(&event), "`*` and `{name}`");
            }
        };
        check(matching, true);
        check(other, false);
    }
}

#[test]
fn an_event_is_1_to_255_bytes_without_control_characters() {
    for text in ["", &"e".repeat(256), "a\nb", "a\u{7f}", "\u{85}"] {
        assert!(Event::parse(text).is_err(), "{text:?}");
        assert!(Pattern::parse(text).is_err(), "{text:?}");
    }
    assert!(Event::parse(&"e".repeat(255)).is_ok());
}

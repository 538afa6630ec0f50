//! Agreement: each side accepts the signatures of the other, and both reject tampered requests.

mod support;

use interop::{Form, Message, References, Request, header};
use support::{bodies, message, now, other_secret, ours, secrets, tampered, verify_with};
use webhook_signature::Refusal;

#[test]
fn every_reference_accepts_our_signatures() {
    for reference in References::available().references {
        for secret in secrets(reference.form) {
            for body in bodies().filter(|body| reference.supports(body)) {
                let request = ours(reference.form, &[&secret], message(&body));
                let accepted = reference.accepts(&secret.verifying, &request);
                assert!(
                    accepted,
                    "{}, {:?}: {body:.40?}",
                    reference.name, reference.form
                );
            }
        }
    }
}

#[test]
fn we_accept_the_signatures_of_every_reference() {
    for reference in References::available()
        .references
        .iter()
        .filter(|reference| reference.signs)
    {
        for secret in secrets(reference.form) {
            for body in bodies().filter(|body| reference.supports(body)) {
                let headers = reference.sign(&secret.signing, message(&body));
                let request = Request { headers, body };
                for text in [&secret.verifying, &secret.signing] {
                    let result = verify_with(&[text], reference.form, &request);
                    let Request { headers, body } = &request;
                    assert_eq!(
                        result,
                        Ok(()),
                        "{}: {headers:?}, {body:.40?}",
                        reference.name
                    );
                }
            }
        }
    }
}

#[test]
fn we_and_every_reference_create_the_same_signature() {
    for reference in References::available()
        .references
        .iter()
        .filter(|reference| reference.signs)
    {
        for secret in secrets(reference.form) {
            for body in bodies().filter(|body| reference.supports(body)) {
                if reference.form == Form::WssDate {
                    continue; // The crate writes timestamps in seconds.
                }
                let message = message(&body);
                let theirs = reference.sign(&secret.signing, message);
                let ours = ours(reference.form, &[&secret], message).headers;
                for (name, value) in &ours {
                    let same = header(&theirs, name).eq_ignore_ascii_case(value);
                    assert!(
                        same,
                        "{}: {name} is {theirs:?}, not {value}",
                        reference.name
                    );
                }
            }
        }
    }
}

#[test]
fn we_and_every_reference_reject_tampered_requests() {
    for reference in References::available().references {
        let secret = secrets(reference.form).remove(0);
        for body in bodies().filter(|body| reference.supports(body)) {
            let request = ours(reference.form, &[&secret], message(&body));
            for (what, request) in tampered(reference.form, &request) {
                let context = format!(
                    "{}, {:?}: {what}: {body:.40?}",
                    reference.name, reference.form
                );
                assert!(!reference.accepts(&secret.verifying, &request), "{context}");
                let result = verify_with(&[&secret.verifying], reference.form, &request);
                assert!(result.is_err(), "{context}");
            }
        }
    }
}

#[test]
fn we_and_every_reference_reject_another_secret() {
    for reference in References::available().references {
        let other = other_secret(reference.form);
        for secret in secrets(reference.form) {
            let request = ours(reference.form, &[&secret], message(b"{}"));
            assert!(
                !reference.accepts(&other.verifying, &request),
                "{}",
                reference.name
            );
            let result = verify_with(&[&other.verifying], reference.form, &request);
            assert_eq!(result, Err(Refusal::NoMatch), "{}", reference.name);
        }
    }
}

#[test]
fn every_reference_accepts_both_secrets_during_a_rotation() {
    let carries_several = |form| form != Form::Plain;
    for reference in References::available()
        .references
        .iter()
        .filter(|reference| carries_several(reference.form))
    {
        let (new, old) = (
            other_secret(reference.form),
            secrets(reference.form).remove(0),
        );
        let request = ours(reference.form, &[&new, &old], message(b"{}"));
        for secret in [&new, &old] {
            let accepted = reference.accepts(&secret.verifying, &request);
            assert!(accepted, "{}: {:?}", reference.name, request.headers);
        }
        let third = secrets(reference.form).remove(1);
        assert!(
            !reference.accepts(&third.verifying, &request),
            "{}",
            reference.name
        );
    }
}

#[test]
fn every_reference_accepts_a_list_with_both_kinds_of_signatures() {
    let (shared, pair) = (secrets(Form::V1).remove(0), secrets(Form::V1a).remove(0));
    let request = ours(Form::V1, &[&pair, &shared], message(b"{}"));
    let unknown = format!("v9,abc= {}", header(&request.headers, "webhook-signature"));
    let request = support::with(&request, "webhook-signature", &unknown);
    for reference in References::available().references {
        let secret = match reference.form {
            Form::V1 => &shared,
            Form::V1a => &pair,
            _ => continue,
        };
        assert!(
            reference.accepts(&secret.verifying, &request),
            "{}",
            reference.name
        );
    }
}

#[test]
fn we_and_every_reference_with_a_clock_reject_a_timestamp_beyond_the_tolerance() {
    for reference in References::available()
        .references
        .iter()
        .filter(|reference| reference.has_clock)
    {
        let secret = secrets(reference.form).remove(0);
        let signed = |timestamp| {
            let message = Message {
                timestamp,
                ..message(b"{}")
            };
            ours(reference.form, &[&secret], message)
        };
        for (timestamp, refusal) in [
            (now() - 600, Refusal::TooOld),
            (now() + 600, Refusal::TooNew),
        ] {
            let request = signed(timestamp);
            assert!(
                !reference.accepts(&secret.verifying, &request),
                "{}",
                reference.name
            );
            let result = verify_with(&[&secret.verifying], reference.form, &request);
            assert_eq!(result, Err(refusal), "{}", reference.name);
        }
        for timestamp in [now() - 200, now() + 200] {
            let request = signed(timestamp);
            assert!(
                reference.accepts(&secret.verifying, &request),
                "{}",
                reference.name
            );
        }
    }
}

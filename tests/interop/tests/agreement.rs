//! What one side signs the other accepts, and what was tampered with neither accepts.

mod support;

use interop::{Form, Message, Panel, Request, header};
use support::{bodies, message, now, other_secret, ours, secrets, tampered, verify_with};
use webhook_signature::Refusal;

#[test]
fn every_judge_accepts_what_is_signed_here() {
    for judge in Panel::seated().judges {
        for secret in secrets(judge.form) {
            for body in bodies().filter(|body| judge.takes(body)) {
                let request = ours(judge.form, &[&secret], message(&body));
                let accepted = judge.accepts(&secret.verifying, &request);
                assert!(accepted, "{}, {:?}: {body:.40?}", judge.name, judge.form);
            }
        }
    }
}

#[test]
fn what_every_judge_signs_is_accepted_here() {
    for judge in Panel::seated().judges.iter().filter(|judge| judge.signs) {
        for secret in secrets(judge.form) {
            for body in bodies().filter(|body| judge.takes(body)) {
                let headers = judge.sign(&secret.signing, message(&body));
                let request = Request { headers, body };
                for text in [&secret.verifying, &secret.signing] {
                    let verdict = verify_with(&[text], judge.form, &request);
                    let Request { headers, body } = &request;
                    assert_eq!(verdict, Ok(()), "{}: {headers:?}, {body:.40?}", judge.name);
                }
            }
        }
    }
}

#[test]
fn the_same_signature_is_made_here_and_by_every_judge() {
    for judge in Panel::seated().judges.iter().filter(|judge| judge.signs) {
        for secret in secrets(judge.form) {
            for body in bodies().filter(|body| judge.takes(body)) {
                if judge.form == Form::WssDate {
                    continue; // Here times are written in seconds.
                }
                let message = message(&body);
                let theirs = judge.sign(&secret.signing, message);
                let ours = ours(judge.form, &[&secret], message).headers;
                for (name, value) in &ours {
                    let same = header(&theirs, name).eq_ignore_ascii_case(value);
                    assert!(same, "{}: {name} is {theirs:?}, not {value}", judge.name);
                }
            }
        }
    }
}

#[test]
fn what_was_tampered_with_is_refused_here_and_by_every_judge() {
    for judge in Panel::seated().judges {
        let secret = secrets(judge.form).remove(0);
        for body in bodies().filter(|body| judge.takes(body)) {
            let request = ours(judge.form, &[&secret], message(&body));
            for (what, request) in tampered(judge.form, &request) {
                let told = format!("{}, {:?}: {what}: {body:.40?}", judge.name, judge.form);
                assert!(!judge.accepts(&secret.verifying, &request), "{told}");
                let verdict = verify_with(&[&secret.verifying], judge.form, &request);
                assert!(verdict.is_err(), "{told}");
            }
        }
    }
}

#[test]
fn another_secret_is_refused_here_and_by_every_judge() {
    for judge in Panel::seated().judges {
        let other = other_secret(judge.form);
        for secret in secrets(judge.form) {
            let request = ours(judge.form, &[&secret], message(b"{}"));
            assert!(!judge.accepts(&other.verifying, &request), "{}", judge.name);
            let verdict = verify_with(&[&other.verifying], judge.form, &request);
            assert_eq!(verdict, Err(Refusal::NoMatch), "{}", judge.name);
        }
    }
}

#[test]
fn both_secrets_of_a_rotation_are_accepted_by_every_judge() {
    let with_room = |form| form != Form::Plain;
    for judge in Panel::seated()
        .judges
        .iter()
        .filter(|judge| with_room(judge.form))
    {
        let (new, old) = (other_secret(judge.form), secrets(judge.form).remove(0));
        let request = ours(judge.form, &[&new, &old], message(b"{}"));
        for secret in [&new, &old] {
            let accepted = judge.accepts(&secret.verifying, &request);
            assert!(accepted, "{}: {:?}", judge.name, request.headers);
        }
        let third = secrets(judge.form).remove(1);
        assert!(!judge.accepts(&third.verifying, &request), "{}", judge.name);
    }
}

#[test]
fn a_list_of_both_kinds_is_accepted_by_every_judge_of_either() {
    let (shared, pair) = (secrets(Form::V1).remove(0), secrets(Form::V1a).remove(0));
    let request = ours(Form::V1, &[&pair, &shared], message(b"{}"));
    let unknown = format!("v9,abc= {}", header(&request.headers, "webhook-signature"));
    let request = support::with(&request, "webhook-signature", &unknown);
    for judge in Panel::seated().judges {
        let secret = match judge.form {
            Form::V1 => &shared,
            Form::V1a => &pair,
            _ => continue,
        };
        assert!(judge.accepts(&secret.verifying, &request), "{}", judge.name);
    }
}

#[test]
fn a_time_past_the_tolerance_is_refused_here_and_by_every_judge_with_a_clock() {
    for judge in Panel::seated()
        .judges
        .iter()
        .filter(|judge| judge.has_clock)
    {
        let secret = secrets(judge.form).remove(0);
        let signed = |timestamp| {
            let message = Message {
                timestamp,
                ..message(b"{}")
            };
            ours(judge.form, &[&secret], message)
        };
        for (timestamp, refusal) in [
            (now() - 600, Refusal::TooOld),
            (now() + 600, Refusal::TooNew),
        ] {
            let request = signed(timestamp);
            assert!(
                !judge.accepts(&secret.verifying, &request),
                "{}",
                judge.name
            );
            let verdict = verify_with(&[&secret.verifying], judge.form, &request);
            assert_eq!(verdict, Err(refusal), "{}", judge.name);
        }
        for timestamp in [now() - 200, now() + 200] {
            let request = signed(timestamp);
            assert!(judge.accepts(&secret.verifying, &request), "{}", judge.name);
        }
    }
}

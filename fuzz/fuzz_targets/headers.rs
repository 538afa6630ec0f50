//! Header lists: any names, any number of times, any values.
//!
//! Without the key, every request is rejected, and the refusal names a header of the deciding scheme.

#![no_main]

use arbitrary::Arbitrary;
use fuzz::{NOW, keys};
use libfuzzer_sys::fuzz_target;
use webhook_signature::{Freshness, Refusal, Request, Scheme, verify};

const NAMES: [&str; 7] = [
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "X-WSS-Timestamp",
    "X-WSS-Signature",
    "X-WSS-Signature-Previous",
    "X-Signature",
];

#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Known(u8, bool),
    Other(&'a str),
}

impl Name<'_> {
    fn text(&self) -> String {
        match self {
            Self::Known(which, upper) => {
                let name = NAMES[usize::from(*which) % NAMES.len()];
                if *upper {
                    name.to_ascii_uppercase()
                } else {
                    name.to_ascii_lowercase()
                }
            }
            Self::Other(name) => (*name).to_owned(),
        }
    }
}

fuzz_target!(|input: (Vec<(Name<'_>, &[u8])>, &[u8], u8)| {
    let (headers, body, weakest) = input;
    let names: Vec<_> = headers.iter().map(|(name, _)| name.text()).collect();
    let values = headers.iter().map(|(_, value)| *value);
    let request = Request::new(names.iter().map(String::as_str).zip(values), body);
    let weakest = Scheme::ALL[usize::from(weakest) % 3];
    let freshness = Freshness::at(NOW).tolerating(u64::MAX);
    let refusal = verify(&keys(), &request, freshness, weakest).expect_err("it is not signed");

    let times = |name: &str| {
        let same = |known: &&String| known.eq_ignore_ascii_case(name);
        names.iter().filter(same).count()
    };
    let accepted = Scheme::ALL.into_iter().filter(|scheme| *scheme >= weakest);
    let deciding = accepted.filter(|scheme| times(scheme.header()) > 0).max();
    match refusal {
        Refusal::MissingHeader(header) => assert_eq!(times(header), 0),
        Refusal::MalformedHeader { header, fault } => {
            assert!(times(header) > 0);
            assert_eq!(fault.code() == "repeated", times(header) > 1);
        }
        Refusal::UnknownScheme(header) => assert_eq!(header, "webhook-signature"),
        Refusal::TooOld | Refusal::TooNew => panic!("every time is tolerated"),
        Refusal::NoMatch => assert!(deciding.is_some()),
    }
    if deciding.is_none() {
        assert_eq!(refusal, Refusal::MissingHeader(weakest.header()));
    }
});

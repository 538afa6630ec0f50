//! Signing and verifying with the crate, compared with bare HMAC.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use webhook_signature::{Credential, Freshness, Header, Message, Request, Scheme, sign, verify};

use crate::schemes::{BODY, ID, NOW, Row, SCHEMES, TEXT};
use crate::table::{Table, micros, verdict};

/// The number of rounds, each with all rows. The table shows the medians.
const ROUNDS: usize = 300;
const CALLS: u32 = 200;

/// The limit for `sign` and `verify`, as a multiple of bare HMAC.
const BAR: f64 = 1.15;

type Call<'a> = Box<dyn Fn() + 'a>;

pub fn measure() -> anyhow::Result<Table> {
    let mut table = Table::new(
        "Signing and verifying 1 KiB, native",
        format!(
            "All headers of a request, made and checked with a key that is kept, against the bare \
             HMAC of the crate `hmac` (key, body, tag); the median of rounds taken by turns. The \
             bar is {BAR} × the bare HMAC, but for `v1a`, which is ed25519."
        ),
        &["", "sign", "× bare", "verify", "× bare", "bar"],
    );
    let cases = SCHEMES.map(Case::new);
    let cases = cases.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let tag = bare().finalize().into_bytes();
    let mut calls: Vec<Call<'_>> = vec![
        call(|| bare().finalize().into_bytes()),
        call(|| bare().verify_slice(black_box(&tag))),
    ];
    for case in &cases {
        calls.push(call(|| case.sign()));
        calls.push(call(|| case.verify()));
    }
    let times = medians(&calls);
    let bare = (times[0], times[1]);
    table.row(row("bare HMAC", bare, bare, ""));
    for (scheme, times) in SCHEMES.into_iter().zip(times[2..].chunks(2)) {
        let times = (times[0], times[1]);
        let within = times.0 <= BAR * bare.0 && times.1 <= BAR * bare.1;
        let bar = verdict(scheme.is_barred.then_some(within));
        table.row(row(scheme.name, times, bare, &bar));
    }
    Ok(table)
}

fn row(name: &str, times: (f64, f64), bare: (f64, f64), bar: &str) -> Vec<String> {
    let ratio = |seconds: f64, bare: f64| format!("{:.2}", seconds / bare);
    vec![
        name.to_owned(),
        micros(times.0),
        ratio(times.0, bare.0),
        micros(times.1),
        ratio(times.1, bare.1),
        bar.to_owned(),
    ]
}

fn call<'a, T>(call: impl Fn() -> T + 'a) -> Call<'a> {
    Box::new(move || {
        black_box(call());
    })
}

/// Returns the bare HMAC, as in the documentation of its crate.
fn bare() -> Hmac<Sha256> {
    let key = black_box(TEXT.as_bytes());
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts a key of any length");
    mac.update(black_box(BODY));
    mac
}

/// The key of a row, and a request signed with it.
struct Case {
    scheme: Scheme,
    keys: [Credential; 1],
    headers: Vec<Header>,
}

impl Case {
    fn new(row: Row) -> anyhow::Result<Self> {
        let keys = [Credential::parse(row.key)?];
        let headers = sign(row.scheme, &keys, &message())?;
        let case = Self {
            scheme: row.scheme,
            keys,
            headers,
        };
        case.verify().context("the signature is not verified")?;
        Ok(case)
    }

    fn sign(&self) -> Option<Vec<Header>> {
        sign(self.scheme, black_box(&self.keys), black_box(&message())).ok()
    }

    fn verify(&self) -> Option<i64> {
        let headers = self.headers.iter().map(|(name, value)| (*name, value));
        let request = Request::new(headers, black_box(BODY));
        let now = Freshness::at(black_box(NOW));
        let verified = verify(black_box(&self.keys), &request, now, Scheme::Plain).ok()?;
        Some(verified.at.unwrap_or_default())
    }
}

fn message() -> Message<'static> {
    Message {
        id: ID,
        timestamp: NOW,
        body: BODY,
    }
}

/// Returns the median seconds of one call of each.
fn medians(calls: &[Call<'_>]) -> Vec<f64> {
    let mut samples = vec![Vec::with_capacity(ROUNDS); calls.len()];
    for _ in 0..ROUNDS {
        for (call, samples) in calls.iter().zip(&mut samples) {
            let start = Instant::now();
            for _ in 0..CALLS {
                call();
            }
            samples.push(start.elapsed().as_secs_f64() / f64::from(CALLS));
        }
    }
    let median = |mut samples: Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    };
    samples.into_iter().map(median).collect()
}

//! Conformance tests of consumers over HTTP, with `crates/webhook-signature/tests/conformance.json`.
//!
//! ```no_run
//! # async fn run() {
//! use test_support::conformance::Consumer;
//! use test_support::{Runtime, components};
//!
//! // The folder of a Spin app whose components are built.
//! let consumer = Consumer::of(components::consumer());
//! let report = consumer.run(&Runtime::spin_local()).await;
//! report.assert_conforms();
//! # }
//! ```
//!
//! They work for any app with the interface of `webhook-consumer`, in any language. The app needs:
//!
//! - `POST /target`, which responds with 200 or a problem document with a `code`;
//! - `POST /target?handshake=true` with `{"keyData": "…"}`, which stores the key as text in the
//!   key-value store `default` under `signing-key-data`, so that a key can also be set at the start;
//! - the variables `open_handshake` (accepts handshakes without a token), `weakest_scheme`,
//!   `tolerance_seconds` and, unless it has [one key](Consumer::with_one_key),
//!   `key_overlap_seconds`;
//! - a component that reads the time from `wasi:clocks/wall-clock`.
//!
//! Only that clock is replaced: it is stopped at the time of the case ([`crate::clock`]). Cases with
//! the same time, tolerance and weakest scheme share a process. A key is set by handshake, with an
//! overlap of 0 so that it is the only key. Cases with several keys, no key, or a key that is too
//! short for a handshake have a process with separate stores.
//!
//! A case conforms if an accepted request gets 200, and a rejected one gets 400 with the code of the
//! rejection. Without any key, a consumer responds with `no-key` instead of `no-match`. Cases that
//! HTTP cannot carry (`over_http`) are skipped and counted, as are cases with a header that is not
//! ASCII if Spin itself responds with 500.

mod case;
mod exchange;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use crate::{Request, Running, Runtime, clock};
use case::{Case, Setting};

/// A consumer app under test.
pub struct Consumer {
    folder: PathBuf,
    one_key: bool,
}

/// The result of the cases.
#[derive(Debug, Default)]
pub struct Report {
    /// The number of cases that were sent.
    pub sent: usize,
    /// The number of cases that HTTP or the runtime cannot carry, or that need more keys than the
    /// consumer has.
    pub skipped: usize,
    /// A line for each case with an unexpected outcome.
    pub differing: Vec<String>,
}

impl Report {
    /// Checks that every case had the expected outcome.
    ///
    /// # Panics
    ///
    /// A case differs, or too few were sent.
    #[track_caller]
    pub fn assert_conforms(&self) {
        assert!(self.differing.is_empty(), "{self:#?}");
        assert!(self.sent > 400, "only {} cases", self.sent);
    }
}

impl Consumer {
    /// Returns the app in this folder, whose components must be built.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            one_key: false,
        }
    }

    /// Skips cases with several keys, for a consumer with one key at a time.
    pub fn with_one_key(mut self) -> Self {
        self.one_key = true;
        self
    }

    /// Sends every case and compares the outcomes.
    ///
    /// # Panics
    ///
    /// The app does not start, or rejects a key.
    pub async fn run(&self, runtime: &Runtime) -> Report {
        let mut report = Report::default();
        let mut groups: BTreeMap<Setting, Vec<Case>> = BTreeMap::new();
        for case in case::load() {
            match case.setting() {
                Some(setting) if !(self.one_key && case.keys.len() > 1) => {
                    groups.entry(setting).or_default().push(case);
                }
                _ => report.skipped += 1,
            }
        }
        for (setting, cases) in groups {
            let app = self.start(&setting, runtime).await;
            let runtime = runtime.name();
            send_all(&app, runtime, &setting, cases, &mut report).await;
            app.stop().await;
        }
        report
    }

    async fn start(&self, setting: &Setting, runtime: &Runtime) -> Running {
        let app = clock::stopped(&self.folder).args(clock::at(setting.now));
        let mut variables = vec![
            "open_handshake=true".to_owned(),
            format!("weakest_scheme={}", setting.weakest),
            format!("tolerance_seconds={}", setting.tolerance),
        ];
        let overlap = setting.own_keys.as_ref().map_or(0, |_| 3600);
        if !self.one_key {
            variables.push(format!("key_overlap_seconds={overlap}"));
        }
        let variables = variables
            .into_iter()
            .flat_map(|variable| ["--variable".to_owned(), variable]);
        let running = app
            .args(variables)
            .args(setting.store_options())
            .start(runtime)
            .await;
        for key in setting.handshake_keys() {
            set_key(&running, key).await;
        }
        running
    }
}

async fn send_all(
    app: &Running,
    runtime: &str,
    setting: &Setting,
    mut cases: Vec<Case>,
    report: &mut Report,
) {
    // Grouped by key, because each change of the key is a handshake.
    cases.sort_by(|one, other| one.keys.cmp(&other.keys));
    let mut current_key = None;
    for case in cases {
        if setting.own_keys.is_none() && current_key.as_ref() != case.keys.first() {
            current_key = case.keys.first().cloned();
            set_key(app, &case.keys[0]).await;
        }
        let response = exchange::send(app.address(), &case.headers, &case.body).await;
        if runtime == "spin" && !case.is_ascii() && response.status == 500 {
            report.skipped += 1;
            continue;
        }
        report.sent += 1;
        if !case.conforms(&response) {
            let line = format!("{}: {response:?}, not {}", case.name, case.expect);
            report.differing.push(line);
        }
    }
}

async fn set_key(app: &Running, key: &str) {
    let body = json!({ "keyData": key }).to_string();
    let request = Request::post(app.url("/target?handshake=true")).json(body);
    let reply = request.send().await;
    assert_eq!(
        reply.status, 200,
        "the response to the handshake is {reply:?}"
    );
}

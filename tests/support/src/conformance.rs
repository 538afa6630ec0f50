//! A consumer against `crates/webhook-signature/tests/conformance.json`, over HTTP.
//!
//! ```no_run
//! # async fn run() {
//! use test_support::conformance::Consumer;
//! use test_support::{Runtime, components};
//!
//! // The folder of a Spin app whose components are built.
//! let consumer = Consumer::of(components::consumer());
//! let report = consumer.judge(&Runtime::spin_local()).await;
//! report.assert_conforms();
//! # }
//! ```
//!
//! It works for any app that is called like `webhook-consumer`, in whatever language. The app has:
//!
//! - `POST /target`, answering 200 or a problem document with a `code`;
//! - `POST /target?handshake=true` with `{"keyData": "…"}`, which keeps the key as text in the
//!   key-value store `default` under `signing-key-data`, so that a key can also be put there when
//!   the app is started;
//! - the variables `open_handshake`, which lets a handshake in without a token, `weakest_scheme`,
//!   `tolerance_seconds` and, unless it is said to have
//!   [one key](Consumer::with_one_key), `key_overlap_seconds`;
//! - a component that takes its time from `wasi:clocks/wall-clock`.
//!
//! Nothing of the app is replaced but that clock, which stands still at the time of the case
//! ([`crate::clock`]). Cases of one time,
//! tolerance and weakest scheme share a process. A key comes by handshake, with an overlap of 0 so
//! that it is the only one; the cases with several keys, with none, or with one that a handshake
//! refuses as too short have a process with stores of their own.
//!
//! A case conforms if what is accepted is answered 200, and what is refused is answered 400 with
//! the code of the refusal. Where there is no key at all a consumer says `no-key` instead of
//! `no-match`. Cases that HTTP cannot carry (`over_http`) are left out and counted, and so are those
//! with a header that is not ASCII where Spin answers them 500 itself, without asking the app.

mod answer;
mod case;
mod exchange;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use crate::{Request, Running, Runtime, clock};
use case::{Case, Setting};

/// A consumer app to judge.
pub struct Consumer {
    folder: PathBuf,
    one_key: bool,
}

/// What became of the cases.
#[derive(Debug, Default)]
pub struct Report {
    /// How many were sent.
    pub judged: usize,
    /// How many HTTP or the runtime cannot carry, or need more keys than the consumer has.
    pub left_out: usize,
    /// A line for each case with another outcome than it should have.
    pub differing: Vec<String>,
}

impl Report {
    /// # Panics
    /// Where a case differs, or where hardly any was sent.
    #[track_caller]
    pub fn assert_conforms(&self) {
        assert!(self.differing.is_empty(), "{self:#?}");
        assert!(self.judged > 400, "only {} cases", self.judged);
    }
}

impl Consumer {
    /// The app in this folder, its components built.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            one_key: false,
        }
    }

    /// It has one key at a time: cases with several are left out.
    pub fn with_one_key(mut self) -> Self {
        self.one_key = true;
        self
    }

    /// Sends every case and compares.
    ///
    /// # Panics
    /// Where the app does not start or does not take a key.
    pub async fn judge(&self, runtime: &Runtime) -> Report {
        let mut report = Report::default();
        let mut groups: BTreeMap<Setting, Vec<Case>> = BTreeMap::new();
        for case in case::load() {
            match case.setting() {
                Some(setting) if !(self.one_key && case.keys.len() > 1) => {
                    groups.entry(setting).or_default().push(case);
                }
                _ => report.left_out += 1,
            }
        }
        for (setting, cases) in groups {
            let app = self.start(&setting, runtime).await;
            let runtime = runtime.name();
            judge_all(&app, runtime, &setting, cases, &mut report).await;
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
            .args(setting.put_into_store())
            .start(runtime)
            .await;
        for key in setting.by_handshake() {
            hand_over(&running, key).await;
        }
        running
    }
}

async fn judge_all(
    app: &Running,
    runtime: &str,
    setting: &Setting,
    mut cases: Vec<Case>,
    report: &mut Report,
) {
    // Those of one key together: each change of keys is a handshake.
    cases.sort_by(|one, other| one.keys.cmp(&other.keys));
    let mut handed_over = None;
    for case in cases {
        if setting.own_keys.is_none() && handed_over.as_ref() != case.keys.first() {
            handed_over = case.keys.first().cloned();
            hand_over(app, &case.keys[0]).await;
        }
        let answer = exchange::send(app.address(), &case).await;
        if runtime == "spin" && !case.is_ascii() && answer.status == 500 {
            report.left_out += 1;
            continue;
        }
        report.judged += 1;
        if !case.conforms(&answer) {
            let line = format!("{}: {answer:?}, not {}", case.name, case.expect);
            report.differing.push(line);
        }
    }
}

async fn hand_over(app: &Running, key: &str) {
    let body = json!({ "keyData": key }).to_string();
    let request = Request::post(app.url("/target?handshake=true")).json(body);
    let reply = request.send().await;
    assert_eq!(reply.status, 200, "the handshake was answered {reply:?}");
}

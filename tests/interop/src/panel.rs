//! All the judges, and which of them are missing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::Once;

use crate::process::Process;
use crate::scripted::Entry;
use crate::{Bodies, Form, Judge, document, go, linked, openssl, shell};

const PYTHON: [Entry; 5] = [
    library("standardwebhooks", "PyPI standardwebhooks", Bodies::Text),
    library("svix", "PyPI svix", Bodies::Text),
    primitive(
        "hmac",
        "Python hmac",
        &[Form::Plain, Form::Wss, Form::WssDate],
    ),
    primitive("cryptography", "PyPI cryptography", &[Form::V1a]),
    receiver("docs/SIGNATURES.md, Python"),
];

const JAVASCRIPT: [Entry; 4] = [
    library("standardwebhooks", "npm standardwebhooks", Bodies::Text),
    library("svix", "npm svix", Bodies::Json),
    primitive("crypto", "Node crypto", &[Form::V1a]),
    receiver("docs/SIGNATURES.md, Node"),
];

/// It is compiled with the receiver, so there is nothing else in it.
const GO: Entry = receiver("docs/SIGNATURES.md, Go");

const fn library(key: &'static str, name: &'static str, bodies: Bodies) -> Entry {
    Entry {
        key,
        name,
        forms: &[Form::V1],
        bodies,
        signs: true,
        has_clock: true,
    }
}

const fn primitive(key: &'static str, name: &'static str, forms: &'static [Form]) -> Entry {
    Entry {
        key,
        name,
        forms,
        bodies: Bodies::Any,
        signs: true,
        has_clock: false,
    }
}

const fn receiver(name: &'static str) -> Entry {
    Entry {
        key: "document",
        name,
        forms: &[Form::V1],
        bodies: Bodies::Any,
        signs: false,
        has_clock: true,
    }
}

/// The judges that this machine has.
pub struct Panel {
    /// They are never none: those that are linked are always there.
    pub judges: Vec<Judge>,
    /// Those that `make setup-judges` installs.
    missing: Vec<&'static str>,
    /// Those that are asked where they are there, and that nobody has to have.
    left_out: Vec<&'static str>,
}

impl Panel {
    /// Seats every judge there is.
    ///
    /// # Panics
    /// With `CI=true` in the environment, when one is missing that the set-up installs.
    pub fn seated() -> Self {
        let mut panel = Self {
            judges: vec![linked::judge()],
            missing: Vec::new(),
            left_out: Vec::new(),
        };
        panel.seat_commands();
        let python = document::receiver("python", "def verify(");
        panel.seat_script(&PYTHON, start_python(), &python);
        let javascript = document::receiver("js", "function verify(");
        panel.seat_script(&JAVASCRIPT, start_javascript(), &javascript);
        panel.seat_go(&document::receiver("go", "func verify("));
        panel.tell_missing();
        panel
    }

    fn seat_commands(&mut self) {
        if openssl::is_here() {
            self.judges.extend(openssl::judges());
            self.judges.push(shell::judge());
        } else {
            self.missing.extend(["openssl", shell::judge().name]);
        }
    }

    fn seat_script(&mut self, entries: &[Entry], process: Result<Process, String>, code: &str) {
        let Ok(process) = process.map(Rc::new) else {
            return self.missing.extend(entries.iter().map(|entry| entry.name));
        };
        for entry in entries {
            if process.judges.iter().any(|name| name == entry.key) {
                let code = (!entry.signs).then_some(code);
                self.judges.extend(entry.judges(&process, code));
            } else {
                self.missing.push(entry.name);
            }
        }
    }

    fn seat_go(&mut self, receiver: &str) {
        if go::is_here() {
            self.seat_script(&[GO], go::start(receiver), receiver);
        } else {
            self.left_out.push(GO.name);
        }
    }

    /// Past the test harness, which would keep it to itself where the test passes.
    fn tell_missing(&self) {
        static TOLD: Once = Once::new();
        let mut told = Vec::new();
        if !self.left_out.is_empty() {
            let left_out = self.left_out.join(", ");
            told.push(format!("judges left out, which may be: {left_out}"));
        }
        if !self.missing.is_empty() {
            let missing = self.missing.join(", ");
            let missing = format!("judges left out: {missing}. `make setup-judges` installs them");
            let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!is_ci, "{missing}");
            told.push(missing);
        }
        TOLD.call_once(|| {
            for line in told {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        });
    }
}

fn start_python() -> Result<Process, String> {
    let mut command = Command::new(installed("python/bin/python"));
    Process::start("python/judge.py", command.arg(own("python/judge.py")))
}

fn start_javascript() -> Result<Process, String> {
    let mut command = Command::new("node");
    command
        .arg(own("javascript/judge.mjs"))
        .arg(installed("javascript"));
    Process::start("javascript/judge.mjs", &mut command)
}

fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where `scripts/setup-judges.sh` puts them, wherever the environment sends builds.
fn installed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/judges")
        .join(path)
}

//! The collection of all references.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::Once;

use crate::process::Process;
use crate::scripted::Entry;
use crate::{Bodies, Form, Reference, document, go, linked, openssl, shell};

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

/// It is compiled together with its receiver, so it has no other references.
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

/// The references that this machine has.
pub struct References {
    /// At least one: the linked one is always available.
    pub references: Vec<Reference>,
    /// The names of those that `make setup-interop` would install.
    missing: Vec<&'static str>,
    /// The names of optional ones that are not installed.
    optional: Vec<&'static str>,
}

impl References {
    /// Returns every available reference.
    ///
    /// # Panics
    /// Panics with `CI=true` in the environment if one is missing that the setup installs.
    pub fn available() -> Self {
        let mut references = Self {
            references: vec![linked::reference()],
            missing: Vec::new(),
            optional: Vec::new(),
        };
        references.add_commands();
        let python = document::receiver("python", "def verify(");
        references.add_script(&PYTHON, start_python(), &python);
        let javascript = document::receiver("js", "function verify(");
        references.add_script(&JAVASCRIPT, start_javascript(), &javascript);
        references.add_go(&document::receiver("go", "func verify("));
        references.report_missing();
        references
    }

    fn add_commands(&mut self) {
        if openssl::is_installed() {
            self.references.extend(openssl::references());
            self.references.push(shell::reference());
        } else {
            self.missing.extend(["openssl", shell::reference().name]);
        }
    }

    fn add_script(&mut self, entries: &[Entry], process: Result<Process, String>, code: &str) {
        let Ok(process) = process.map(Rc::new) else {
            return self.missing.extend(entries.iter().map(|entry| entry.name));
        };
        for entry in entries {
            if process.references.iter().any(|name| name == entry.key) {
                let code = (!entry.signs).then_some(code);
                self.references.extend(entry.references(&process, code));
            } else {
                self.missing.push(entry.name);
            }
        }
    }

    fn add_go(&mut self, receiver: &str) {
        if go::is_installed() {
            self.add_script(&[GO], go::start(receiver), receiver);
        } else {
            self.optional.push(GO.name);
        }
    }

    /// Writes to standard error directly, because the test harness hides the output of passing tests.
    fn report_missing(&self) {
        static REPORTED: Once = Once::new();
        let mut lines = Vec::new();
        if !self.optional.is_empty() {
            let optional = self.optional.join(", ");
            lines.push(format!("optional references skipped: {optional}"));
        }
        if !self.missing.is_empty() {
            let missing = self.missing.join(", ");
            let missing =
                format!("references skipped: {missing}. `make setup-interop` installs them");
            let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!is_ci, "{missing}");
            lines.push(missing);
        }
        REPORTED.call_once(|| {
            for line in lines {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        });
    }
}

fn start_python() -> Result<Process, String> {
    let mut command = Command::new(installed("python/bin/python"));
    Process::start(
        "python/reference.py",
        command.arg(own("python/reference.py")),
    )
}

fn start_javascript() -> Result<Process, String> {
    let mut command = Command::new("node");
    command
        .arg(own("javascript/reference.mjs"))
        .arg(installed("javascript"));
    Process::start("javascript/reference.mjs", &mut command)
}

fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns a path below the folder of `scripts/setup-interop.sh`, which is independent of the
/// environment's build folder.
fn installed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/interop")
        .join(path)
}

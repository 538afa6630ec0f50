//! Checks `docs/SIGNATURES.md`: each command prints the output below it, and the headers are those
//! that the crate creates.
//!
//! Its Rust examples are compiled and run as documentation tests of this crate.

use std::process::Command;

use webhook_signature::{Credential, Message, Scheme, sign};

const DOCUMENT: &str = include_str!("../../../docs/SIGNATURES.md");

const NOW: u64 = 1_614_265_330;
const TEXT: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";
const SHARED: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ORDER: &str = r#"{"event": "order.shipped", "data": {"id": 42}}"#;
const TEST: &str = r#"{"test": 2432232314}"#;

/// Returns the lines of every code block in this language, without its indentation.
fn blocks(language: &str) -> Vec<Vec<&'static str>> {
    let fence = ["```", language].concat();
    let mut lines = DOCUMENT.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.by_ref().find(|line| line.trim_start() == fence) {
        let indent = line.len() - fence.len();
        let block = lines.by_ref().take_while(|line| line.trim_start() != "```");
        blocks.push(block.map(|line| line.get(indent..).unwrap_or("")).collect());
    }
    blocks
}

/// Parses the headers of a block.
fn headers(block: &[&str]) -> Vec<(String, String)> {
    let pairs = block.iter().map(|line| line.split_once(": "));
    let pairs = pairs.map(|pair| pair.expect("a name, a colon and a value"));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Returns the script of a block: its commands, each preceded by `echo` to end the previous output.
fn script(block: &[&str]) -> String {
    let mut script = String::from("set -eu\n");
    for line in block {
        if let Some(command) = line.strip_prefix("$ ") {
            script += &format!("echo\n{command}\n");
        } else if line.starts_with("    ") {
            script += &format!("{line}\n");
        }
    }
    script
}

#[test]
fn every_command_prints_the_output_in_the_document() {
    let blocks = blocks("console");
    assert_eq!(blocks.len(), 6, "each block of commands is run");
    for block in blocks {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ran = Command::new("sh")
            .args(["-c", &script(&block)])
            .current_dir(folder.path())
            .output()
            .expect("`sh` runs");
        let errors = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{}: {errors}", block.join("\n"));
        let printed = String::from_utf8(ran.stdout).expect("text");
        let printed: Vec<_> = printed.lines().filter(|line| !line.is_empty()).collect();
        let output = |line: &&&str| !line.starts_with("$ ") && !line.starts_with("    ");
        let expected: Vec<_> = block.iter().filter(output).copied().collect();
        assert!(!expected.is_empty(), "{}", block.join("\n"));
        assert_eq!(printed, expected, "{}", block.join("\n"));
    }
}

#[test]
fn the_crate_creates_the_headers_in_the_document() {
    let pair = word_after("secret=");
    let pair = ["whsk_", pair].concat();
    let new = word_after("created with the new secret `");
    let blocks = blocks("http");
    let cases = [
        (Scheme::Plain, vec![TEXT], ORDER),
        (Scheme::Wss, vec![TEXT], ORDER),
        (Scheme::Standard, vec![SHARED], TEST),
        (Scheme::Standard, vec![&*pair], TEST),
        (Scheme::Standard, vec![new, SHARED], TEST),
    ];
    assert_eq!(blocks.len(), cases.len(), "each block of headers is tested");
    for (block, (scheme, keys, body)) in blocks.iter().zip(cases) {
        let keys = keys.into_iter().map(Credential::parse);
        let keys: Vec<_> = keys.map(|key| key.expect("a credential")).collect();
        let message = Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: NOW,
            body: body.as_bytes(),
        };
        let created = sign(scheme, &keys, &message).expect("signed");
        let created: Vec<_> = created
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        assert_eq!(headers(block), created);
    }
}

/// Returns the text behind `mark`, up to a space, a line feed or a backtick.
fn word_after(mark: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(mark).expect("the mark exists");
    let end = rest.find([' ', '\n', '`']).expect("an end");
    &rest[..end]
}

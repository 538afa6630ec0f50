//! The command `openssl`.

use std::io::{ErrorKind, Read, Write};
use std::process::{Command, ExitStatus, Stdio};

use base64ct::{Base64, Encoding};

use crate::reference::{
    Backend, Headers, Message, Request, header, standard_content, standard_headers,
};
use crate::{Bodies, Form, Reference};

/// The prefixes of an ed25519 seed in PKCS #8 and of a public key in SPKI (RFC 8410).
const PKCS8: &str = "302e020100300506032b657004220420";
const SPKI: &str = "302a300506032b6570032100";

struct OpenSsl;

/// Returns a reference for each form.
pub fn references() -> impl Iterator<Item = Reference> {
    [Form::Plain, Form::Wss, Form::V1, Form::V1a]
        .into_iter()
        .map(|form| Reference {
            name: "openssl",
            form,
            bodies: Bodies::Any,
            signs: true,
            has_clock: false,
            backend: Box::new(OpenSsl),
        })
}

/// Returns true if the command is installed.
pub fn is_installed() -> bool {
    let version = Command::new("openssl").arg("version").output();
    version.is_ok_and(|output| output.status.success())
}

impl Backend for OpenSsl {
    fn sign(&self, form: Form, secret: &str, message: Message<'_>) -> Headers {
        let at = message.timestamp.to_string();
        let named = |name: &str, value: String| (name.to_owned(), value);
        match form {
            Form::Plain => vec![named("X-Signature", hex_tag(secret, message.body))],
            Form::Wss | Form::WssDate => {
                let tag = hex_tag(secret, &[at.as_bytes(), message.body].concat());
                vec![named("X-WSS-Timestamp", at), named("X-WSS-Signature", tag)]
            }
            Form::V1 => {
                let content = standard_content(message.id, &at, message.body);
                standard_headers(message, v1(secret, &content))
            }
            Form::V1a => {
                let content = standard_content(message.id, &at, message.body);
                standard_headers(message, v1a(secret, &content))
            }
        }
    }

    fn verify(&self, form: Form, secret: &str, request: &Request) -> bool {
        let Request { headers, body } = request;
        let at = form.timestamp().map_or("", |name| header(headers, name));
        match form {
            Form::Plain => {
                header(headers, "X-Signature").eq_ignore_ascii_case(&hex_tag(secret, body))
            }
            Form::Wss | Form::WssDate => {
                let right = hex_tag(secret, &[at.as_bytes(), body].concat());
                ["X-WSS-Signature", "X-WSS-Signature-Previous"]
                    .iter()
                    .any(|name| header(headers, name).eq_ignore_ascii_case(&right))
            }
            Form::V1 => {
                let content = standard_content(header(headers, "webhook-id"), at, body);
                let right = v1(secret, &content);
                entries(headers).any(|entry| entry == right)
            }
            Form::V1a => {
                let content = standard_content(header(headers, "webhook-id"), at, body);
                entries(headers).any(|entry| is_v1a(secret, entry, &content))
            }
        }
    }
}

fn entries(headers: &Headers) -> impl Iterator<Item = &str> {
    header(headers, "webhook-signature").split(' ')
}

fn hex_tag(secret: &str, data: &[u8]) -> String {
    hex::encode(hmac(secret.as_bytes(), data))
}

fn v1(secret: &str, content: &[u8]) -> String {
    let key = decoded(secret, "whsec_");
    format!("v1,{}", Base64::encode_string(&hmac(&key, content)))
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let key = format!("hexkey:{}", hex::encode(key));
    let mut command = Command::new("openssl");
    command.args([
        "dgst", "-sha256", "-mac", "HMAC", "-macopt", &key, "-binary",
    ]);
    let (status, tag) = piped(&mut command, data);
    assert!(status.success(), "`openssl dgst` failed: {status}");
    tag
}

fn v1a(secret: &str, content: &[u8]) -> String {
    let der = [unhex(PKCS8), decoded(secret, "whsk_")[..32].to_vec()].concat();
    let (status, signature) = pkeyutl(&["-sign"], &der, content, &[]);
    assert!(status.success(), "`openssl pkeyutl -sign` failed: {status}");
    format!("v1a,{}", Base64::encode_string(&signature))
}

fn is_v1a(public: &str, entry: &str, content: &[u8]) -> bool {
    let Some(Ok(signature)) = entry.strip_prefix("v1a,").map(Base64::decode_vec) else {
        return false;
    };
    let der = [unhex(SPKI), decoded(public, "whpk_")].concat();
    let (status, _) = pkeyutl(&["-verify", "-pubin"], &der, content, &signature);
    status.success()
}

/// Runs `openssl pkeyutl`, which reads the key and the content from files only.
fn pkeyutl(
    options: &[&str],
    key: &[u8],
    content: &[u8],
    signature: &[u8],
) -> (ExitStatus, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("the temporary folder can be written to");
        path
    };
    let mut command = Command::new("openssl");
    command
        .arg("pkeyutl")
        .args(options)
        .args(["-keyform", "DER", "-rawin", "-inkey"]);
    command
        .arg(file("key", key))
        .arg("-in")
        .arg(file("content", content));
    if !signature.is_empty() {
        command.arg("-sigfile").arg(file("signature", signature));
    }
    piped(&mut command, b"")
}

fn decoded(text: &str, prefix: &str) -> Vec<u8> {
    let encoded = text.strip_prefix(prefix).expect("a text with its prefix");
    Base64::decode_vec(encoded).expect("base64")
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

/// Runs a command with `input`, and returns its status and standard output.
pub fn piped(command: &mut Command, input: &[u8]) -> (ExitStatus, Vec<u8>) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("`{}`: {error}", command.get_program().display()));
    let mut stdin = child.stdin.take().expect("standard input is piped");
    // The command may end before it has read its whole input.
    let written = stdin.write_all(input);
    assert!(written.is_ok() || written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe));
    drop(stdin);
    let mut output = Vec::new();
    let mut stdout = child.stdout.take().expect("standard output is piped");
    stdout
        .read_to_end(&mut output)
        .expect("the output can be read");
    (child.wait().expect("the process can be waited for"), output)
}

//! The broker's side of authentication by SASL: PLAIN, and SCRAM (RFC 5802) without channel binding.

use std::io;
use std::marker::PhantomData;

use base64ct::{Base64, Encoding};
use hmac::digest::block_api::BlockSizeUser;
use hmac::{KeyInit, Mac, SimpleHmac};
use sha2::{Digest, Sha256, Sha512};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::contract::kafka_wire::{read_frame, write_frame};

const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const SASL_AUTHENTICATE: i16 = 36;

/// The length of a text that is missing.
const NO_TEXT: [u8; 2] = (-1_i16).to_be_bytes();

/// The code of a failed authentication.
const AUTHENTICATION_FAILED: i16 = 58;

const SALT: &[u8] = b"a salt of a test";
const ITERATIONS: usize = 4096;

/// A user who may connect.
#[derive(Clone, Copy)]
pub struct Account {
    pub user: &'static str,
    pub password: &'static str,
}

/// Authenticates a client, and returns the mechanism. Requests for the versions of the protocol are
/// forwarded to the broker; no other request is accepted before.
pub async fn authenticate(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    broker: &mut TcpStream,
    account: Account,
) -> io::Result<String> {
    let mut begun: Option<(String, Box<dyn Exchange>)> = None;
    loop {
        let request = Request::read(client).await?;
        match (request.api, &mut begun) {
            (API_VERSIONS, _) => {
                write_frame(broker, &request.frame).await?;
                write_frame(client, &read_frame(broker).await?).await?;
            }
            (SASL_HANDSHAKE, None) => {
                let name = request.text()?;
                let exchange = exchange(&name, account)?;
                let mechanisms = [&1_i32.to_be_bytes()[..], &text(&name)].concat();
                request.respond(client, 0, &mechanisms).await?;
                begun = Some((name, exchange));
            }
            (SASL_AUTHENTICATE, Some((name, exchange))) => {
                let Some(response) = exchange.respond(request.token()?) else {
                    let body = request.outcome(&text("invalid credentials"), &[]);
                    request
                        .respond(client, AUTHENTICATION_FAILED, &body)
                        .await?;
                    return Err(io::Error::other("not authenticated"));
                };
                let body = request.outcome(&NO_TEXT, response.token());
                request.respond(client, 0, &body).await?;
                if matches!(response, Response::Last(_)) {
                    return Ok(name.clone());
                }
            }
            (api, _) => return Err(io::Error::other(format!("request {api} is too early"))),
        }
    }
}

/// Returns a text as it is in messages.
fn text(text: &str) -> Vec<u8> {
    let length = i16::try_from(text.len()).unwrap().to_be_bytes();
    [&length[..], text.as_bytes()].concat()
}

/// A request whose body is a text or a token.
struct Request {
    frame: Vec<u8>,
    api: i16,
    version: i16,
}

impl Request {
    async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let frame = read_frame(from).await?;
        let number = |at: usize| Some(i16::from_be_bytes(*frame.get(at..)?.first_chunk()?));
        let (api, version) = number(0).zip(number(2)).ok_or_else(short)?;
        Ok(Self {
            frame,
            api,
            version,
        })
    }

    /// Returns the body: what follows the name of the client.
    fn body(&self) -> io::Result<&[u8]> {
        let rest = self.frame.get(8..).ok_or_else(short)?;
        let (length, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let length = usize::try_from(i16::from_be_bytes(*length)).unwrap_or(0);
        rest.get(length..).ok_or_else(short)
    }

    fn text(&self) -> io::Result<String> {
        let text = self.body()?.get(2..).ok_or_else(short)?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn token(&self) -> io::Result<&[u8]> {
        self.body()?.get(4..).ok_or_else(short)
    }

    /// Returns the body of the response to a token: the text of an error, a token, and, since version 1,
    /// the time until the session ends, which it does not.
    fn outcome(&self, error: &[u8], token: &[u8]) -> Vec<u8> {
        let length = i32::try_from(token.len()).unwrap().to_be_bytes();
        let end: &[u8] = if self.version == 0 { &[] } else { &[0; 8] };
        [error, &length, token, end].concat()
    }

    async fn respond(
        &self,
        to: &mut (impl AsyncWrite + Unpin),
        error: i16,
        body: &[u8],
    ) -> io::Result<()> {
        let response = [&self.frame[4..8], &error.to_be_bytes(), body].concat();
        write_frame(to, &response).await
    }
}

fn short() -> io::Error {
    io::Error::other("a request that ends early")
}

/// The response to a token of the client.
enum Response {
    More(Vec<u8>),
    Last(Vec<u8>),
}

impl Response {
    fn token(&self) -> &[u8] {
        let (Self::More(token) | Self::Last(token)) = self;
        token
    }
}

/// An exchange of tokens.
trait Exchange: Send {
    /// Returns `None` if the client has not proved that it has the password.
    fn respond(&mut self, token: &[u8]) -> Option<Response>;
}

fn exchange(mechanism: &str, account: Account) -> io::Result<Box<dyn Exchange>> {
    Ok(match mechanism {
        "PLAIN" => Box::new(Plain(account)),
        "SCRAM-SHA-256" => Box::new(Scram::<Sha256>::new(account)),
        "SCRAM-SHA-512" => Box::new(Scram::<Sha512>::new(account)),
        other => return Err(io::Error::other(format!("mechanism {other}"))),
    })
}

struct Plain(Account);

impl Exchange for Plain {
    fn respond(&mut self, token: &[u8]) -> Option<Response> {
        let Account { user, password } = self.0;
        let expected = format!("\0{user}\0{password}");
        (token == expected.as_bytes()).then(|| Response::Last(Vec::new()))
    }
}

struct Scram<D> {
    account: Account,
    /// The first messages of both sides, once they were sent.
    first: Option<String>,
    digest: PhantomData<fn() -> D>,
}

impl<D: Digest + BlockSizeUser> Scram<D> {
    fn new(account: Account) -> Self {
        Self {
            account,
            first: None,
            digest: PhantomData,
        }
    }

    fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
        let mut mac = SimpleHmac::<D>::new_from_slice(key).expect("any length");
        mac.update(message);
        mac.finalize().into_bytes().as_slice().to_vec()
    }

    fn salted_password(&self) -> Vec<u8> {
        let key = self.account.password.as_bytes();
        let mut last = Self::hmac(key, &[SALT, &1_u32.to_be_bytes()].concat());
        let mut salted = last.clone();
        for _ in 1..ITERATIONS {
            last = Self::hmac(key, &last);
            salted = xor(&salted, &last);
        }
        salted
    }

    /// Responds to `n,,n=USER,r=NONCE`.
    fn begin(&mut self, message: &str) -> Option<Response> {
        let bare = message.strip_prefix("n,,")?;
        let (user, nonce) = bare.strip_prefix("n=")?.split_once(",r=")?;
        let salt = Base64::encode_string(SALT);
        let challenge = format!("r={nonce}of-the-broker,s={salt},i={ITERATIONS}");
        self.first = Some(format!("{bare},{challenge}"));
        (user == self.account.user).then(|| Response::More(challenge.into_bytes()))
    }

    /// Responds to `c=biws,r=NONCE,p=PROOF`.
    fn end(&self, first: &str, message: &str) -> Option<Response> {
        let (without_proof, proof) = message.split_once(",p=")?;
        let signed = format!("{first},{without_proof}");
        let salted = self.salted_password();
        let client_key = Self::hmac(&salted, b"Client Key");
        let stored_key = D::digest(&client_key);
        let expected = xor(
            &client_key,
            &Self::hmac(stored_key.as_slice(), signed.as_bytes()),
        );
        if Base64::decode_vec(proof).ok()? != expected {
            return None;
        }
        let server_key = Self::hmac(&salted, b"Server Key");
        let signature = Base64::encode_string(&Self::hmac(&server_key, signed.as_bytes()));
        Some(Response::Last(format!("v={signature}").into_bytes()))
    }
}

impl<D: Digest + BlockSizeUser> Exchange for Scram<D> {
    fn respond(&mut self, token: &[u8]) -> Option<Response> {
        let message = std::str::from_utf8(token).ok()?;
        match self.first.take() {
            None => self.begin(message),
            Some(first) => self.end(&first, message),
        }
    }
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter()
        .zip(other)
        .map(|(one, other)| one ^ other)
        .collect()
}

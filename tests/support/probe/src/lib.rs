//! A Spin app that does to its host whatever the path says, and answers what came of it.
//!
//! The operation is taken from the header `spin-path-info`, so that it is the same under every
//! route; where that is empty (exact routes), the operation is `/echo`.
//!
//! | operation | what it does |
//! |---|---|
//! | `/hello` | answers `hello` |
//! | `/echo` | answers JSON: `method`, `uri`, `scheme`, `authority`, `headers`, `bodyLength`, `body` (64 KiB of it at most) |
//! | `/echo-body` | streams the body back |
//! | `/env`, `/args` | answers environment and arguments |
//! | `/kv/open`, `/kv/get`, `/kv/set`, `/kv/delete`, `/kv/exists`, `/kv/keys` | `?store=&key=`; `set` stores the body |
//! | `/kv/open-many?count=` | holds that many stores open |
//! | `/kv/bench-setup`, `/kv/bench` | stores and reads one fixed key |
//! | `/sqlite/open`, `/sqlite/execute` | `?db=`; the body is `{"statement": "…", "parameters": [{"integer": 1}, …]}` |
//! | `/sqlite/open-many?count=` | holds that many connections open |
//! | `/sqlite/bench-setup`, `/sqlite/bench` | makes and queries one small table |
//! | `/redis/get`, `/redis/set`, `/redis/incr`, `/redis/del`, `/redis/publish`, `/redis/sadd`, `/redis/srem`, `/redis/smembers`, `/redis/execute` | `?address=&key=`; the body is the value, the message, or words |
//! | `/variable?name=` | reads a variable |
//! | `/outbound?url=&method=&header=Name:Value&timeout_ms=` | sends the body there, answers the answer |
//! | `/relay?url=` | streams the body there by `POST`, and the answer's body back, both at once |
//! | `/stdout`, `/stderr` | writes the body there |
//! | `/trap`, `/panic`, `/loop`, `/exit?code=`, `/no-response`, `/late-trap?ms=&length=` | goes wrong |
//! | `/memory?mib=` | allocates and touches that much, answers how many MiB it got |
//! | `/slow?ms=` | sleeps, then answers |
//! | `/stream?chunks=&size=&ms=` | answers in chunks, with a pause before each |
//! | `/status?code=&header=Name:Value` | answers with that status and those headers |
//! | `/random?bytes=`, `/now` | reads randomness and the clocks |
//! | `/fs?path=`, `/socket?address=`, `/resolve?name=` | tries a file, a TCP connection, a name |
//!
//! What a capability answers is `{"ok": …}`, or `{"error": "<variant>"}` with the variant's name
//! as in the interface (`access-denied`) and a `message` where the variant carries one. `/outbound`
//! adds the `phase` it failed in, and sends its whole body before it reads the answer: a server that
//! answers a large body while it still reads it leaves both waiting. A request
//! that makes no sense is answered 400, an unknown operation 404.
#![cfg(target_family = "wasm")]

mod call;
mod entry;
mod faults;
mod kv;
mod outbound;
mod redis;
mod relay;
mod reply;
mod sqlite;
mod streaming;
mod system;
mod variable;
mod variant;

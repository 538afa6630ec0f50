//! A Spin app that performs the operation in the path, and responds with the result.
//!
//! The operation comes from the header `spin-path-info`, so that it is the same under every route. If
//! that is empty (exact routes), the operation is `/echo`.
//!
//! | operation | description |
//! |---|---|
//! | `/hello` | returns `hello` |
//! | `/echo` | returns JSON: `method`, `uri`, `scheme`, `authority`, `headers`, `bodyLength`, `body` (64 KiB of it at most) |
//! | `/echo-body` | streams the body back |
//! | `/env`, `/args` | returns the environment and the arguments |
//! | `/kv/open`, `/kv/get`, `/kv/set`, `/kv/delete`, `/kv/exists`, `/kv/keys` | `?store=&key=`; `set` stores the body |
//! | `/kv/open-many?count=` | holds that many stores open |
//! | `/kv/bench-setup`, `/kv/bench` | stores and reads one fixed key |
//! | `/sqlite/open`, `/sqlite/execute` | `?db=`; the body is `{"statement": "…", "parameters": [{"integer": 1}, …]}` |
//! | `/sqlite/open-many?count=` | holds that many connections open |
//! | `/sqlite/bench-setup`, `/sqlite/bench` | creates and queries a small table |
//! | `/postgres/open`, `/postgres/query`, `/postgres/execute` | `?address=&version=`, with `version` 2, 3 or 4; the body is `{"statement": "…", "parameters": [{"int32": 1}, …]}` |
//! | `/postgres/open-trusting` | `?address=`; trusts the authorities in the body, in PEM |
//! | `/redis/get`, `/redis/set`, `/redis/incr`, `/redis/del`, `/redis/publish`, `/redis/sadd`, `/redis/srem`, `/redis/smembers`, `/redis/execute` | `?address=&key=`; the body is the value, the message, or words |
//! | `/variable?name=` | reads a variable |
//! | `/outbound?url=&method=&header=Name:Value&timeout_ms=` | sends the body to the URL, and returns the response |
//! | `/relay?url=` | streams the body to the URL with `POST`, and the body of the response back, both at the same time |
//! | `/stdout`, `/stderr` | writes the body there |
//! | `/trap`, `/panic`, `/loop`, `/exit?code=`, `/no-response`, `/late-trap?ms=&length=` | fails in the given way |
//! | `/memory?mib=` | allocates and touches memory, and returns the number of MiB it got |
//! | `/slow?ms=` | sleeps, and then responds |
//! | `/stream?chunks=&size=&ms=` | responds in chunks, with a pause before each |
//! | `/status?code=&header=Name:Value` | responds with the status and the headers |
//! | `/random?bytes=`, `/now` | reads randomness and the clocks |
//! | `/fs?path=`, `/socket?address=`, `/resolve?name=` | tries a file, a TCP connection, a name |
//!
//! The result of a capability is `{"ok": …}`, or `{"error": "<variant>"}` with the name of the variant
//! in the interface (`access-denied`) and its `message`, if any. `/outbound` adds the `phase` of a
//! failure. It sends its whole body before it reads the response: a server that sends a large response
//! while it still reads the body deadlocks with it. The status is 400 for an invalid request, and 404
//! for an unknown operation.
#![cfg(target_family = "wasm")]

mod call;
mod entry;
mod faults;
mod kv;
mod outbound;
mod postgres;
mod redis;
mod relay;
mod reply;
mod sqlite;
mod streaming;
mod system;
mod trust;
mod variable;
mod variant;

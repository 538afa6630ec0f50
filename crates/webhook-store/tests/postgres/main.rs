//! Tests of the PostgreSQL store beyond the contract of all stores: its schema, lost connections,
//! killed and promoted servers, and addresses that do not work.

mod bad_input;
mod connections;
mod crash;
mod migrations;
mod outbox;
mod processes;
mod standby;
mod text;
mod tls;
mod world;

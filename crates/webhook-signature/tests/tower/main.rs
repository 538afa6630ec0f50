//! The `tower` layer in front of real receivers, and its deduplication stores.

mod dedup;
mod hyper;
mod receiver;
mod redis_store;
mod refusals;
mod sender;
mod stores;

//! The `tower` layer in front of real receivers, and the stores behind it.

mod hyper;
mod receiver;
mod redis_store;
mod refusals;
mod seen;
mod sender;
mod stores;

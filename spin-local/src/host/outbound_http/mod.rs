//! The outbound HTTP capability: checks the hosts that a guest can reach, sends its requests, and
//! reports failures with the error codes of Spin.

mod body;
mod caller;
mod chain;
mod error_code;
mod send;

pub(super) use caller::Components;
pub(crate) use chain::chained_component;
pub(super) use error_code::link as link_error_code;
pub(super) use send::OutboundHttp;

//! The codes of errors in bodies.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, IoError};

use crate::host::state::State;

/// The interface, in the version of `wasmtime-wasi-http`.
const TYPES: &str = "wasi:http/types@0.2.12";

/// Replaces `http-error-code` of `wasmtime-wasi-http`, which looks for an [`ErrorCode`] in the error of a
/// stream, while the bodies of the same version fail with an [`Error`].
pub(in crate::host) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker.instance(TYPES)?.func_wrap(
        "http-error-code",
        |store, (error,): (Resource<IoError>,)| {
            let error = store.data().table.get(&error)?;
            Ok((code_of(error),))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn code_of(error: &IoError) -> Option<ErrorCode> {
    if let Some(code) = error.downcast_ref::<ErrorCode>() {
        return Some(code.clone());
    }
    Some(match error.downcast_ref::<Error>()? {
        Error::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
        Error::ConnectionTerminated => ErrorCode::ConnectionTerminated,
        Error::Hyper(_) => ErrorCode::HttpProtocolError,
        other => ErrorCode::InternalError(Some(other.to_string())),
    })
}

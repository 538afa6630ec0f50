//! The limit on open files of this process, which include connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::terminal;

/// Raises the limit as far as possible. Returns the number of connections that fit, at most
/// `requested`: half of the limit is reserved for databases, logs and the connections of guests.
pub(crate) fn connections(requested: usize) -> usize {
    raise();
    let Some(files) = getrlimit(Resource::Nofile).current else {
        return requested;
    };
    let max = usize::try_from(files / 2).unwrap_or(usize::MAX).max(1);
    if max < requested {
        terminal::line(format_args!(
            "warning: at most {max} connections, not {requested}: the limit on open files is \
             {files}"
        ));
    }
    requested.min(max)
}

/// Raises the limit if that is possible.
fn raise() {
    let limit = getrlimit(Resource::Nofile);
    // macOS accepts no more than 10,240, whatever the maximum is.
    for current in [limit.maximum, Some(10_240)] {
        if setrlimit(Resource::Nofile, Rlimit { current, ..limit }).is_ok() {
            return;
        }
    }
}

//! The number of files this process may have open, connections among them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::terminal;

/// Raises the limit as far as it goes, and returns how many connections there may be of those
/// wanted: half of the limit stays for databases, logs, and what guests open.
pub(crate) fn connections(wanted: usize) -> usize {
    raise();
    let Some(files) = getrlimit(Resource::Nofile).current else {
        return wanted;
    };
    let room = usize::try_from(files / 2).unwrap_or(usize::MAX).max(1);
    if room < wanted {
        terminal::line(format_args!(
            "warning: {room} connections are open at the most, not {wanted}: this process may \
             have {files} files open"
        ));
    }
    wanted.min(room)
}

/// Where the limit cannot be raised, it holds as it is.
fn raise() {
    let limit = getrlimit(Resource::Nofile);
    // macOS takes no more than this, whatever the maximum is.
    for current in [limit.maximum, Some(10_240)] {
        if setrlimit(Resource::Nofile, Rlimit { current, ..limit }).is_ok() {
            return;
        }
    }
}

//! One server for all tests of a program: its files take a second to make.

use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::files::{arguments, data, free_port, initialize};
use super::program::{as_user, command, make_folder};
use crate::with_timeout;

/// Runs the server, and ends it when this program has ended in any way: its input is a pipe that this
/// program holds open.
const SCRIPT: &str = r#"
    folder=$1
    shift
    "$@" </dev/null 2>"$folder/log" &
    server=$!
    cat >/dev/null
    kill -s QUIT "$server"
    wait "$server"
    rm -rf "$folder"
"#;

struct SharedServer {
    port: u16,
    /// The script. Never ended: it ends with this program.
    _script: Child,
}

static SERVER: LazyLock<SharedServer> = LazyLock::new(start);

fn start() -> SharedServer {
    let folder = make_folder();
    initialize(&data(&folder));
    let port = free_port();
    let server = command("postgres");
    let mut script = Command::new("sh");
    as_user(&mut script);
    script
        .args(["-c", SCRIPT, "sh"])
        .arg(folder.path())
        .arg(server.get_program())
        .arg("-D")
        .arg(data(&folder));
    let settings = ["fsync=off".into(), "max_connections=200".into()];
    for setting in arguments(port, folder.path()).into_iter().chain(settings) {
        script.args(["-c", &setting]);
    }
    let script = script
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("`sh` can be run");
    // The script deletes it.
    let _ = folder.keep();
    SharedServer {
        port,
        _script: script,
    }
}

/// Returns the URL of the program's server, with the name of a new schema: a store of its own. The
/// server never flushes its files.
///
/// # Panics
///
/// PostgreSQL is not installed or does not start.
pub async fn shared_url() -> String {
    static SCHEMAS: AtomicU32 = AtomicU32::new(1);
    let port = tokio::task::spawn_blocking(|| SERVER.port)
        .await
        .expect("the server starts");
    let responding = async {
        while !responds(port).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(responding, || "the shared PostgreSQL server".into()).await;
    let schema = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    format!("postgres://postgres@127.0.0.1:{port}/postgres?schema=test_{schema}")
}

async fn responds(port: u16) -> bool {
    let mut ready = command("pg_isready");
    ready.args([
        "--quiet",
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
    ]);
    let status = tokio::task::spawn_blocking(move || ready.status()).await;
    matches!(status, Ok(Ok(status)) if status.success())
}

//! The output of guests.

use crate::probe::*;

#[tokio::test]
async fn output_goes_to_the_log_file_and_the_terminal() {
    let app = start(&probe()).await;
    post(&app, "/stdout", "to the output\n").await;
    post(&app, "/stderr", "to the error\n").await;
    post(&app, "/bare/stdout", "of another\n").await;
    assert_eq!(app.log("probe"), "to the output\n");
    assert_eq!(app.error_log("probe"), "to the error\n");
    assert_eq!(app.log("bare"), "of another\n");
    assert_eq!(app.error_log("bare"), "");
    for line in ["to the output", "to the error", "of another"] {
        app.stderr_has(line).await;
    }
}

#[tokio::test]
async fn quiet_suppresses_output_on_the_terminal_only() {
    let app = start(&probe().args(["--quiet"])).await;
    post(&app, "/stdout", "to the output\n").await;
    post(&app, "/stderr", "to the error\n").await;
    assert_eq!(app.log("probe"), "to the output\n");
    assert_eq!(app.error_log("probe"), "to the error\n");
    let ended = app.stop().await;
    assert!(
        !ended.transcript().contains("to the "),
        "{}",
        ended.transcript()
    );
}

#[tokio::test]
async fn log_files_keep_the_output_of_earlier_runs() {
    let app = probe();
    for line in ["first\n", "second\n"] {
        let running = start(&app).await;
        post(&running, "/stdout", line).await;
        running.stop().await;
    }
    assert_eq!(start(&app).await.log("probe"), "first\nsecond\n");
}

#[tokio::test]
async fn output_before_a_trap_is_not_lost() {
    let app = start(&probe()).await;
    get(&app, "/panic").await;
    let log = app.error_log("probe");
    assert!(log.contains("the probe was asked to panic"), "{log}");
}

#[tokio::test]
async fn lines_of_concurrent_requests_do_not_mix() {
    let app = start(&probe()).await;
    let line = |n: usize| format!("{}\n", n.to_string().repeat(2000));
    let requests: Vec<_> = (0..10)
        .map(|n| {
            test_support::Request::post(app.url("/stdout"))
                .body(line(n))
                .send()
        })
        .map(tokio::spawn)
        .collect();
    for request in requests {
        assert_eq!(request.await.expect("a response").status, 200);
    }
    let log = app.log("probe");
    let mut lines: Vec<&str> = log.lines().collect();
    lines.sort_unstable();
    let expected: Vec<String> = (0..10).map(line).collect();
    assert_eq!(
        lines,
        expected
            .iter()
            .map(|line| line.trim_end())
            .collect::<Vec<_>>()
    );
}

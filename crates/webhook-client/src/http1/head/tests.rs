use super::*;

fn parsed(text: &str) -> Head {
    let (head, length) = parse(text.as_bytes()).unwrap().unwrap();
    assert_eq!(length, text.len());
    head
}

#[test]
fn the_length_of_a_body_follows_rfc_9112() {
    let cases = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            Framing::Length(3),
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\n",
            Framing::Length(3),
            true,
        ),
        (
            "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n",
            Framing::Length(0),
            true,
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", Framing::UntilClose, false),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n",
            Framing::Length(3),
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
            Framing::Chunked,
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            Framing::UntilClose,
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
            Framing::Chunked,
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\n",
            Framing::Length(3),
            false,
        ),
        ("HTTP/1.1 101 Switching\r\n\r\n", Framing::Length(0), false),
    ];
    for (text, framing, persists) in cases {
        let head = parsed(text);
        assert_eq!(
            (head.framing, head.persists),
            (framing, persists),
            "{text:?}"
        );
    }
}

#[test]
fn an_unclear_length_keeps_the_status_and_ends_the_connection() {
    let lengths = [
        "3, 4",
        "-1",
        "+3",
        "",
        "0x3",
        "99999999999999999999",
        "3\r\nContent-Length: 4",
    ];
    for length in lengths {
        let head = parsed(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
        ));
        assert_eq!(
            (head.status, head.framing, head.persists),
            (200, Framing::Unclear, false),
            "{length:?}"
        );
    }
}

#[test]
fn a_head_that_violates_the_grammar_keeps_its_status_and_regular_headers() {
    let many = "X: y\r\n".repeat(MAX_HEADERS + 1);
    let irregularities = [
        "Set-Cookie: a=\x01\r\n",
        "Set-Cookie: a=\0\r\n",
        "no colon\r\n",
        "Folded: a\r\n b: c\r\n",
        "Spaced : a\r\n",
        ": no name\r\n",
        "Bare: a\rb\r\n",
        many.as_str(),
    ];
    for irregular in irregularities {
        let head = parsed(&format!(
            "HTTP/1.1 503 Busy\r\n{irregular}Retry-After : 7\r\nContent-Length:2\r\n\r\n"
        ));
        assert_eq!(
            (head.status, head.retry_after.as_deref()),
            (503, Some("7")),
            "{irregular:?}"
        );
        assert_eq!(
            (head.framing, head.persists),
            (Framing::Length(2), false),
            "{irregular:?}"
        );
    }
    let late = parsed("\r\nHTTP/1.1 200 OK\r\nno colon\r\n\r\n");
    assert_eq!((late.status, late.persists), (200, false));
    let unframed = parsed("HTTP/1.1 200 OK\r\nno colon\r\n\r\n");
    assert_eq!(unframed.framing, Framing::Unclear);
}

#[test]
fn an_incomplete_head_has_a_status_once_its_digits_have_ended() {
    let known = |text: &str| parse_unfinished(text.as_bytes()).map(|head| head.status);
    for text in ["HTTP/1.1 200 ", "HTTP/1.0 200\r\n", "HTTP/1.1 200 O\x01K"] {
        assert_eq!(known(text), Some(200), "{text:?}");
    }
    let unknown = [
        "",
        "HTTP/1.1 20",
        "HTTP/1.1 200",
        "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 099 X\r\n",
        "HTTP/1.1 100 Continue\r\n",
        "HTTP/2 200 \r\n",
    ];
    for text in unknown {
        assert_eq!(known(text), None, "{text:?}");
    }
    let busy = parse_unfinished(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nCont").unwrap();
    assert_eq!(busy.retry_after.as_deref(), Some("7"));
}

#[test]
fn a_response_that_is_not_http_has_no_status() {
    for text in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn the_timeout_of_the_keep_alive_header_is_parsed() {
    for (value, seconds) in [
        ("timeout=5", Some(5)),
        ("max=100, Timeout=12", Some(12)),
        ("timeout=x", None),
        ("max=3", None),
    ] {
        let head = parsed(&format!(
            "HTTP/1.1 200 OK\r\nKeep-Alive: {value}\r\nContent-Length: 0\r\n\r\n"
        ));
        assert_eq!(head.keep_alive, seconds.map(Duration::from_secs), "{value}");
    }
}

#[test]
fn only_interim_responses_are_skipped() {
    for (status, interim) in [(100, true), (103, true), (101, false), (200, false)] {
        let head = parsed(&format!("HTTP/1.1 {status} X\r\n\r\n"));
        assert_eq!(head.is_interim(), interim, "{status}");
    }
}

//! Addresses as texts.

use webhook_client::{AddressError, Policy, UrlError, check_url};

const REFUSED: &str = include_str!("refused.txt");

fn allowing(networks: &[&str]) -> Policy {
    Policy {
        allow_http: true,
        allow_networks: networks
            .iter()
            .map(|network| network.parse().unwrap())
            .collect(),
        deny_networks: vec![],
    }
}

fn code(error: &UrlError) -> &'static str {
    match error {
        UrlError::Address(AddressError::Private(_)) => "private",
        UrlError::Address(AddressError::Metadata(_)) => "metadata",
        UrlError::Address(AddressError::Denied(_)) => "denied",
        UrlError::Malformed(_) => "malformed",
        UrlError::Scheme(_) => "scheme",
        UrlError::Credentials => "credentials",
        UrlError::Fragment => "fragment",
        UrlError::NoHost => "host",
        UrlError::PortZero => "port",
        UrlError::Http | UrlError::TooLong => "other",
    }
}

#[test]
fn every_spelling_in_the_table_is_refused_for_its_reason() {
    let lines = REFUSED
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cases: Vec<_> = lines.map(|line| line.rsplit_once(' ').unwrap()).collect();
    assert!(cases.len() >= 130, "{} cases", cases.len());
    let mut wrong = vec![];
    for (url, reason) in cases {
        let judged = check_url(url.trim_end(), &allowing(&[]));
        let found = judged.as_ref().err().map_or("allowed", code);
        if found != reason {
            wrong.push(format!("{url}: {reason} expected, {found} found"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn public_receivers_are_let_through() {
    let public = [
        "https://example.com/hooks?a=b",
        "https://example.com:8443/",
        "https://example.com./",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://xn--bcher-kva.example/",
        "https://bücher.example/",
        "https://localhost.example.com/",
        "https://my-internal.example/",
        "https://10.0.0.1.example.com/",
    ];
    for url in public {
        assert_eq!(check_url(url, &Policy::default()).err(), None, "{url}");
    }
}

#[test]
fn http_is_refused_unless_it_is_allowed() {
    let url = "http://example.com/";
    assert_eq!(check_url(url, &Policy::default()), Err(UrlError::Http));
    assert!(check_url(url, &allowing(&[])).is_ok());
}

#[test]
fn allowed_networks_let_their_addresses_through_and_no_others() {
    let policy = allowing(&["10.1.0.0/16", "fd00:1::/32", "127.0.0.1/32"]);
    for url in [
        "https://10.1.2.3/",
        "https://0xa010203/",
        "https://[fd00:1::7]/",
        "https://127.1/",
    ] {
        assert_eq!(check_url(url, &policy).err(), None, "{url}");
    }
    let others = [
        "https://10.2.0.1/",
        "https://127.0.0.2/",
        "https://[fd00:2::7]/",
        "https://[::ffff:10.1.2.3]/",
        "https://[64:ff9b::10.1.2.3]/",
        "https://192.168.0.1/",
    ];
    for url in others {
        assert!(check_url(url, &policy).is_err(), "{url}");
    }
}

#[test]
fn a_private_name_is_left_to_the_resolver_where_any_network_is_allowed() {
    let policy = allowing(&["10.0.0.0/8"]);
    assert!(check_url("https://orders.default.svc.cluster.local/", &policy).is_ok());
    assert!(check_url("https://metadata.google.internal/", &policy).is_err());
}

#[test]
fn a_metadata_service_is_let_through_by_its_own_address_only() {
    let url = "https://169.254.169.254/";
    for wide in ["0.0.0.0/0", "169.254.0.0/16", "169.254.169.254/31"] {
        let refused = check_url(url, &allowing(&[wide])).unwrap_err();
        assert_eq!(code(&refused), "metadata", "{wide}");
    }
    assert!(check_url(url, &allowing(&["169.254.169.254/32"])).is_ok());
}

#[test]
fn denied_networks_are_refused_even_where_they_are_allowed() {
    let policy = Policy {
        deny_networks: ["8.8.0.0/16", "10.1.0.0/16", "2606:4700::/32"]
            .map(|network| network.parse().unwrap())
            .to_vec(),
        ..allowing(&["10.0.0.0/8", "::ffff:0:0/96"])
    };
    let denied = [
        "https://8.8.8.8/",
        "https://0x08080808/",
        "https://10.1.2.3/",
        "https://[::ffff:10.1.2.3]/",
        "https://[2606:4700::1111]/",
    ];
    for url in denied {
        let refused = check_url(url, &policy).unwrap_err();
        assert_eq!(code(&refused), "denied", "{url}");
    }
    for url in [
        "https://8.9.0.1/",
        "https://10.2.0.1/",
        "https://example.com/",
    ] {
        assert_eq!(check_url(url, &policy).err(), None, "{url}");
    }
}

#[test]
fn a_refusal_names_the_whole_origin() {
    let refused = |url| check_url(url, &Policy::default()).unwrap_err().to_string();
    let private = "is not public: it leads to this machine or into a private network";
    assert_eq!(
        refused("https://10.0.0.1:8443/hooks"),
        format!("`https://10.0.0.1:8443` {private}")
    );
    assert_eq!(
        refused("https://[fd00::1]:444/"),
        format!("`https://[fd00::1]:444` {private}")
    );
    assert_eq!(
        refused("https://localhost:9/"),
        format!("`https://localhost:9` {private}")
    );
    assert_eq!(
        refused("https://169.254.169.254:80/"),
        "`https://169.254.169.254:80` belongs to a metadata service"
    );
}

#[test]
fn errors_do_not_repeat_credentials_or_queries() {
    for url in [
        "https://user:s3cret@example.com/",
        "https://127.0.0.1/?token=s3cret",
        "https://example.com/?token=s3cret#top",
        "ftp://example.com/?token=s3cret",
        "https://[?token=s3cret",
    ] {
        let error = check_url(url, &Policy::default()).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn a_url_is_bounded_before_and_after_it_is_normalised() {
    let fits = format!("https://example.com/{}", "a".repeat(2028));
    assert!(check_url(&fits, &Policy::default()).is_ok());
    assert_eq!(
        check_url(&format!("{fits}a"), &Policy::default()),
        Err(UrlError::TooLong)
    );
    let grows = format!("https://example.com/{}", "ä".repeat(900));
    assert_eq!(
        check_url(&grows, &Policy::default()),
        Err(UrlError::TooLong)
    );
}

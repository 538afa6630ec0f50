//! The lists in `tests/cases/allowed_hosts`, with the connections that each allows.
//!
//! A case has a line `allow <entry>` for each entry, a line `url <url>` for each connection, and
//! a line `self <scheme>` for each call of the app to itself.

use spin_local::AllowedHost;
use test_support::cases;
use url::Url;

#[test]
fn every_connection_has_the_expected_outcome() {
    cases::check("tests/cases/allowed_hosts", "txt", 20, |input| {
        let case = std::fs::read_to_string(input).unwrap();
        let mut hosts = Vec::new();
        case.lines().map(|line| outcome(line, &mut hosts)).collect()
    });
}

fn outcome(line: &str, hosts: &mut Vec<AllowedHost>) -> String {
    let (keyword, rest) = line.split_once(' ').unwrap();
    let result = match keyword {
        "allow" => match AllowedHost::parse(rest) {
            Ok(host) => {
                hosts.push(host);
                "valid".to_owned()
            }
            Err(error) => format!("error: {error}"),
        },
        "url" => yes_or_no(hosts.iter().any(|host| allows(host, rest))),
        "self" => yes_or_no(hosts.iter().any(|host| host.allows_relative(&[rest]))),
        other => panic!("a line must begin with `allow`, `url` or `self`, not with `{other}`"),
    };
    format!("{rest} -> {result}\n")
}

fn allows(host: &AllowedHost, url: &str) -> bool {
    let url = Url::parse(url).unwrap();
    host.allows(url.scheme(), url.host_str().unwrap(), url.port())
}

fn yes_or_no(allowed: bool) -> String {
    if allowed { "yes" } else { "no" }.to_owned()
}

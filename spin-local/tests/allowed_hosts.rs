//! Every list in `tests/cases/allowed_hosts` allows and refuses the connections it is expected to.
//!
//! A case has a line `allow <entry>` for each entry, a line `url <url>` for each connection, and
//! a line `self <scheme>` for each call of the app to itself.

mod cases;

use spin_local::AllowedHost;
use url::Url;

#[test]
fn every_connection_is_allowed_or_refused_as_expected() {
    cases::check("allowed_hosts", "txt", 20, |case| {
        let mut hosts = Vec::new();
        case.lines().map(|line| outcome(line, &mut hosts)).collect()
    });
}

fn outcome(line: &str, hosts: &mut Vec<AllowedHost>) -> String {
    let (verb, rest) = line.split_once(' ').unwrap();
    let answer = match verb {
        "allow" => match AllowedHost::parse(rest) {
            Ok(host) => {
                hosts.push(host);
                "taken".to_owned()
            }
            Err(error) => format!("refused: {error}"),
        },
        "url" => yes_or_no(hosts.iter().any(|host| allows(host, rest))),
        "self" => yes_or_no(hosts.iter().any(|host| host.allows_relative(&[rest]))),
        other => panic!("a line begins with `allow`, `url` or `self` and not with `{other}`"),
    };
    format!("{rest} -> {answer}\n")
}

fn allows(host: &AllowedHost, url: &str) -> bool {
    let url = Url::parse(url).unwrap();
    host.allows(url.scheme(), url.host_str().unwrap(), url.port())
}

fn yes_or_no(answer: bool) -> String {
    if answer { "yes" } else { "no" }.to_owned()
}

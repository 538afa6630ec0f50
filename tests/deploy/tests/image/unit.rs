//! The guarantees of the systemd unit.

use crate::process::text;

/// Returns the directives of a section in order.
fn directives(unit: &str, section: &str) -> Vec<(String, String)> {
    let head = format!("[{section}]");
    let lines = unit.lines().skip_while(|line| *line != head).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let lines = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
    let directive = |line: &str| {
        let (name, value) = line.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    lines
        .map(|line| directive(line).unwrap_or_else(|| panic!("`{line}` is no directive")))
        .collect()
}

fn service_of(unit: &str) -> impl Fn(&str) -> Vec<String> {
    let directives = directives(unit, "Service");
    move |name| {
        let found = directives.iter().filter(|(other, _)| other == name);
        found.map(|(_, value)| value.clone()).collect()
    }
}

#[test]
fn the_unit_runs_without_privileges_and_allows_a_graceful_stop() {
    let unit = text("deploy/systemd/webhook-sender.service");
    let service = service_of(&unit);
    let expected = [
        ("DynamicUser", "yes"),
        ("StateDirectory", "webhook-sender"),
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("KillSignal", "SIGTERM"),
        ("Restart", "on-failure"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ];
    for (name, value) in expected {
        assert_eq!(service(name), [value], "{name}");
    }
    assert_eq!(service("SystemCallFilter")[0], "@system-service");
    // A stop can take a lease (a minute by default) and ten seconds.
    let stop: u32 = service("TimeoutStopSec")[0].parse().expect("seconds");
    assert!(stop > 70, "{stop}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_commands_of_the_unit_exist_in_the_sender() {
    let sender = crate::built::image().root.join("webhook-sender");
    let unit = text("deploy/systemd/webhook-sender.service");
    let service = service_of(&unit);
    let commands = [service("ExecStart"), service("ExecStartPre")].concat();
    assert_eq!(commands.len(), 2);
    for command in commands {
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(words[0], "/usr/local/bin/webhook-sender");
        let help =
            crate::process::run(std::process::Command::new(&sender).args([words[1], "--help"]));
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!("{option} <")), "{option}: {help}");
        }
    }
}

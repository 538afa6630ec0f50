//! `scripts/push.sh`, `scripts/deploy-cloud.sh` and `scripts/deploy-akamai.sh`, run with a fake `spin` that
//! records its arguments, and without `spin`.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use support::root;

const API_TOKEN: &str = "api-token-0123456789";
const HANDSHAKE_TOKEN: &str = "handshake-token-0123456789";

/// A fake `spin` that logs one line per call, with its arguments joined by `|`. It keeps the deployed
/// manifest, the folder and the variables of a deployment to Akamai Functions, and fails the calls that
/// begin with `$FAIL`.
const FAKE: &str = r#"#!/bin/sh
for argument in "$@"; do printf '%s|' "$argument"; done >>"$LOG"
printf '\n' >>"$LOG"
[ "$CARGO_TARGET_DIR" = "$PWD/target" ] || [ "$1" = cloud ] || [ "$1" = aka ] || exit 9
case "$*" in
"cloud deploy"*) cat "$4" >>"$LOG.manifests" ;;
"aka deploy"*)
    [ -f "$4" ] || exit 8
    for argument in "$@"; do last=$argument; done
    basename "$PWD" >>"$LOG.folders"
    cat "${last#@}" >>"$LOG.variables"
    ;;
esac
[ -z "${FAIL:-}" ] || case "$*" in "$FAIL"*) exit 7 ;; esac
"#;

/// A copy of the files that the scripts use, and a folder with the only programs on their PATH.
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        let files = [
            "scripts/push.sh",
            "scripts/deploy-cloud.sh",
            "scripts/deploy-akamai.sh",
            "webhook-producer/spin.toml",
            "webhook-producer/spin.postgres.toml",
            "webhook-producer/spin.redis.toml",
            "webhook-consumer/spin.toml",
            "webhook-consumer/spin.postgres.toml",
            "webhook-consumer/spin.redis.toml",
            "migrations.sql",
        ];
        for file in files {
            let to = world.path().join(file);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(root().join(file), to).unwrap();
        }
        let programs = world.path().join("bin");
        std::fs::create_dir(&programs).unwrap();
        for tool in [
            "sh", "dirname", "sed", "head", "grep", "rm", "cat", "mktemp", "basename",
        ] {
            std::os::unix::fs::symlink(found(tool), programs.join(tool)).unwrap();
        }
        world
    }

    fn with_spin() -> Self {
        let world = Self::new();
        let spin = world.path().join("bin/spin");
        std::fs::write(&spin, FAKE).unwrap();
        std::fs::set_permissions(&spin, PermissionsExt::from_mode(0o755)).unwrap();
        world
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, script: &str, environment: &[(&str, &str)]) -> Output {
        let program = self.path().join("bin/sh");
        Command::new(program)
            .arg(self.path().join("scripts").join(script))
            .env_clear()
            .env("PATH", self.path().join("bin"))
            .env("LOG", self.path().join("log"))
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }

    /// Returns the calls of `spin`, one per line.
    fn asked(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.path().join("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Returns what the fake `spin` kept of the deployments.
    fn kept(&self, kind: &str) -> String {
        std::fs::read_to_string(self.path().join(format!("log.{kind}"))).unwrap_or_default()
    }

    #[track_caller]
    fn refuses(&self, script: &str, environment: &[(&str, &str)], why: &str) {
        let output = self.run(script, environment);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.starts_with("missing: ") && said.contains(why),
            "{said}"
        );
        let deeds = self.asked();
        let deeds: Vec<_> = deeds
            .iter()
            .filter(|call| !["cloud|--version|", "aka|--version|"].contains(&call.as_str()))
            .collect();
        assert!(deeds.is_empty(), "{deeds:?}");
    }
}

fn found(tool: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(tool));
    places
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("no `{tool}`"))
}

#[track_caller]
fn succeeds(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

const TOKENS: [(&str, &str); 2] = [
    ("API_TOKEN", API_TOKEN),
    ("HANDSHAKE_TOKEN", HANDSHAKE_TOKEN),
];

#[test]
fn push_builds_both_apps_and_then_pushes_both_under_their_versions() {
    let world = World::with_spin();
    succeeds(&world.run("push.sh", &[("REGISTRY", "ghcr.io/you")]));
    let expected = [
        "build|--from|webhook-producer/spin.toml|",
        "build|--from|webhook-consumer/spin.toml|",
        "registry|push|--from|webhook-producer/spin.toml|ghcr.io/you/webhook-producer:0.1.0|",
        "registry|push|--from|webhook-consumer/spin.toml|ghcr.io/you/webhook-consumer:0.1.0|",
    ];
    assert_eq!(world.asked(), expected);
}

#[test]
fn push_uses_the_manifests_of_the_selected_store() {
    for store in ["postgres", "redis"] {
        let world = World::with_spin();
        let environment = [("REGISTRY", "ghcr.io/you"), ("STORE", store)];
        succeeds(&world.run("push.sh", &environment));
        let asked = world.asked();
        let manifest = format!("spin.{store}.toml");
        assert!(
            asked.iter().all(|call| call.contains(&manifest)),
            "{asked:?}"
        );
    }
    let unknown = [("REGISTRY", "ghcr.io/you"), ("STORE", "mysql")];
    World::with_spin().refuses("push.sh", &unknown, "`mysql`");
}

#[test]
fn push_pushes_nothing_when_a_build_fails() {
    let world = World::with_spin();
    let environment = [
        ("REGISTRY", "ghcr.io/you"),
        ("FAIL", "build --from webhook-consumer/spin.toml"),
    ];
    let output = world.run("push.sh", &environment);
    assert_eq!(output.status.code(), Some(7));
    assert!(
        !world
            .asked()
            .iter()
            .any(|call| call.starts_with("registry"))
    );
}

#[test]
fn push_reports_missing_requirements() {
    let registry = [("REGISTRY", "ghcr.io/you")];
    World::new().refuses("push.sh", &registry, "`spin` is not on the PATH");
    World::with_spin().refuses("push.sh", &[], "REGISTRY");
    for bad in [
        "https://ghcr.io/you",
        "ghcr.io/you/",
        "ghcr.io/You",
        "ghcr.io/you me",
    ] {
        World::with_spin().refuses("push.sh", &[("REGISTRY", bad)], bad);
    }
    let local = [registry[0], ("SPIN", "spin-local")];
    World::with_spin().refuses("push.sh", &local, "spin-local pushes nothing");
}

#[test]
fn deploy_cloud_deploys_both_apps_with_their_tokens_and_creates_the_tables() {
    let world = World::with_spin();
    succeeds(&world.run("deploy-cloud.sh", &TOKENS));
    let expected = [
        "cloud|--version|".to_owned(),
        "build|--from|webhook-producer|".to_owned(),
        "build|--from|webhook-consumer|".to_owned(),
        format!(
            "cloud|deploy|--from|webhook-producer/spin.cloud.toml|--variable|api_token={API_TOKEN}|\
             --link|sqlite:default=signed-webhooks|"
        ),
        "cloud|sqlite|execute|--database|signed-webhooks|@migrations.sql|".to_owned(),
        format!(
            "cloud|deploy|--from|webhook-consumer/spin.cloud.toml|--variable|\
             handshake_token={HANDSHAKE_TOKEN}|--link|sqlite:default=signed-webhooks|--link|\
             kv:default=signed-webhooks|"
        ),
    ];
    assert_eq!(world.asked(), expected);
}

#[test]
fn an_app_deployed_by_deploy_cloud_rejects_requests_until_it_has_its_token() {
    let world = World::with_spin();
    succeeds(&world.run("deploy-cloud.sh", &TOKENS));
    let deployed = std::fs::read_to_string(world.path().join("log.manifests")).unwrap();
    for variable in ["api_token", "handshake_token"] {
        let line = format!("\n{variable} = {{ required = true, secret = true }}\n");
        assert_eq!(deployed.matches(&line).count(), 1, "{deployed}");
        assert!(!deployed.contains(&format!("\n{variable} = {{ default")));
    }
}

#[test]
fn deploy_cloud_leaves_no_manifest_behind_and_stops_at_the_first_failure() {
    let world = World::with_spin();
    let environment = [TOKENS[0], TOKENS[1], ("FAIL", "cloud deploy")];
    let output = world.run("deploy-cloud.sh", &environment);
    assert_eq!(output.status.code(), Some(7));
    let deployed = world
        .asked()
        .iter()
        .filter(|call| call.starts_with("cloud|deploy"))
        .count();
    assert_eq!(deployed, 1);
    assert!(
        !world
            .path()
            .join("webhook-producer/spin.cloud.toml")
            .exists()
    );
}

#[test]
fn deploy_cloud_deploys_nothing_without_tokens_that_protect() {
    let [api, handshake] = TOKENS;
    let refuses = |environment: &[_], why| {
        World::with_spin().refuses("deploy-cloud.sh", environment, why);
    };
    refuses(&[handshake], "API_TOKEN in the environment");
    refuses(&[api], "HANDSHAKE_TOKEN in the environment");
    refuses(
        &[("API_TOKEN", ""), handshake],
        "API_TOKEN in the environment",
    );
    refuses(
        &[("API_TOKEN", "0123456789abcde"), handshake],
        "API_TOKEN of 16",
    );
    refuses(
        &[api, ("HANDSHAKE_TOKEN", "short")],
        "HANDSHAKE_TOKEN of 16",
    );
    refuses(
        &[api, ("HANDSHAKE_TOKEN", "0123456789&token=x")],
        "letters, digits",
    );
}

#[test]
fn deploy_cloud_reports_missing_requirements() {
    World::new().refuses("deploy-cloud.sh", &TOKENS, "`spin` is not on the PATH");
    let without_plugin = [TOKENS[0], TOKENS[1], ("FAIL", "cloud --version")];
    World::with_spin().refuses(
        "deploy-cloud.sh",
        &without_plugin,
        "spin plugins install cloud",
    );
}

#[test]
fn no_token_is_printed() {
    let world = World::with_spin();
    let ok = world.run("deploy-cloud.sh", &TOKENS);
    let bad = world.run(
        "deploy-cloud.sh",
        &[TOKENS[0], ("HANDSHAKE_TOKEN", "0123456789&token=x")],
    );
    for text in [ok.stdout, ok.stderr, bad.stdout, bad.stderr] {
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("0123456789"), "{text}");
    }
}

/// The environment of a deployment to Akamai Functions.
fn akamai(store_url: &str) -> [(&str, &str); 3] {
    [TOKENS[0], TOKENS[1], ("STORE_URL", store_url)]
}

const POSTGRES: &str = "postgres://webhooks:s3cret@db.example.com/webhooks?sslmode=require";

#[test]
fn deploy_akamai_deploys_both_apps_from_their_folders_with_their_store() {
    let world = World::with_spin();
    succeeds(&world.run("deploy-akamai.sh", &akamai(POSTGRES)));
    let asked = world.asked();
    let [version, build_producer, build_consumer, producer, consumer] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(version, "aka|--version|");
    assert_eq!(
        build_producer,
        "build|--from|webhook-producer/spin.postgres.toml|"
    );
    assert_eq!(
        build_consumer,
        "build|--from|webhook-consumer/spin.postgres.toml|"
    );
    for (call, app) in [
        (producer, "webhook-producer"),
        (consumer, "webhook-consumer"),
    ] {
        let start = "aka|deploy|--from|spin.postgres.toml|--no-confirm|--variable|@";
        assert!(call.starts_with(start), "{call}");
        assert!(call.ends_with(&format!("/{app}.json|")), "{call}");
        assert!(
            !call.contains("s3cret") && !call.contains(API_TOKEN),
            "{call}"
        );
    }
    assert_eq!(
        world.kept("folders"),
        "webhook-producer\nwebhook-consumer\n"
    );
    let expected = format!(
        "{{ \"store_url\": \"{POSTGRES}\", \"api_token\": \"{API_TOKEN}\", \
         \"store_host\": \"db.example.com:5432\" }}\n\
         {{ \"store_url\": \"{POSTGRES}\", \"handshake_token\": \"{HANDSHAKE_TOKEN}\", \
         \"store_host\": \"db.example.com:5432\" }}\n"
    );
    assert_eq!(world.kept("variables"), expected);
}

#[test]
fn deploy_akamai_selects_the_manifest_by_the_store_and_sets_only_its_variables() {
    let world = World::with_spin();
    let mut environment = akamai("rediss://:s3cret@redis.example.com:6380/1").to_vec();
    environment.push(("PRODUCER_APP_ID", "app-1"));
    succeeds(&world.run("deploy-akamai.sh", &environment));
    let asked = world.asked();
    let deployed = "aka|deploy|--from|spin.redis.toml|--app-id|app-1|--no-confirm|--variable|@";
    assert!(asked[3].starts_with(deployed), "{asked:?}");
    let deployed = "aka|deploy|--from|spin.redis.toml|--no-confirm|--variable|@";
    assert!(asked[4].starts_with(deployed), "{asked:?}");
    let variables = world.kept("variables");
    assert!(
        variables.contains("\"store_host\": \"redis.example.com:6380\""),
        "{variables}"
    );
    for (app, line) in ["webhook-producer", "webhook-consumer"]
        .iter()
        .zip(variables.lines())
    {
        let manifest = std::fs::read_to_string(root().join(app).join("spin.redis.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let set: serde_json::Value = serde_json::from_str(line).unwrap();
        for variable in set.as_object().unwrap().keys() {
            assert!(
                manifest["variables"].get(variable).is_some(),
                "{app}: {variable}"
            );
        }
    }
}

#[test]
fn deploy_akamai_leaves_no_secret_behind_and_stops_at_the_first_failure() {
    let world = World::with_spin();
    let temporary = world.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut environment = akamai(POSTGRES).to_vec();
    let folder = temporary.to_str().unwrap().to_owned();
    environment.extend([("TMPDIR", folder.as_str()), ("FAIL", "aka deploy")]);
    let output = world.run("deploy-akamai.sh", &environment);
    assert_eq!(output.status.code(), Some(7));
    let deployments = world.asked();
    let deployments = deployments
        .iter()
        .filter(|call| call.starts_with("aka|deploy"));
    assert_eq!(deployments.count(), 1);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn deploy_akamai_reports_missing_requirements() {
    let script = "deploy-akamai.sh";
    World::new().refuses(script, &akamai(POSTGRES), "`spin` is not on the PATH");
    World::with_spin().refuses(script, &[], "API_TOKEN");
    World::with_spin().refuses(script, &TOKENS[..1], "HANDSHAKE_TOKEN");
    World::with_spin().refuses(script, &TOKENS, "STORE_URL");
    for bad in [
        "sqlite://file",
        "db.example.com",
        "postgres://a\"b@c/d",
        "redis:s3cret",
    ] {
        let world = World::with_spin();
        world.refuses(script, &akamai(bad), "STORE_URL");
        let said = world.run(script, &akamai(bad)).stderr;
        let said = String::from_utf8(said).unwrap();
        assert!(!said.contains(bad), "{said}");
    }
    let short = [("API_TOKEN", "short"), TOKENS[1], ("STORE_URL", POSTGRES)];
    World::with_spin().refuses(script, &short, "API_TOKEN of 16 characters");
    let mut local = akamai(POSTGRES).to_vec();
    local.push(("SPIN", "spin-local"));
    World::with_spin().refuses(script, &local, "spin-local deploys nothing");
    let mut plugin = akamai(POSTGRES).to_vec();
    plugin.push(("FAIL", "aka --version"));
    World::with_spin().refuses(script, &plugin, "spin plugins install aka");
}

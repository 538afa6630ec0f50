//! `scripts/deploy-akamai.sh`.

use crate::fake_spin::{API_TOKEN, HANDSHAKE_TOKEN, TOKENS, World, succeeds};
use crate::support::root;

/// Returns the environment of a deployment to Akamai Functions.
fn akamai(store_url: &str) -> [(&str, &str); 3] {
    [TOKENS[0], TOKENS[1], ("STORE_URL", store_url)]
}

const POSTGRES: &str = "postgres://webhooks:s3cret@db.example.com/webhooks?sslmode=require";

#[test]
fn deploy_akamai_deploys_both_apps_from_their_folders_with_their_store() {
    let world = World::with_spin();
    succeeds(&world.run("deploy-akamai.sh", &akamai(POSTGRES)));
    let asked = world.calls();
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
    let asked = world.calls();
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
    let deployments = world.calls();
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

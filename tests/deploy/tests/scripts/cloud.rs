//! `scripts/deploy-cloud.sh`.

use crate::fake_spin::{API_TOKEN, HANDSHAKE_TOKEN, TOKENS, World, succeeds};

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
    assert_eq!(world.calls(), expected);
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
        .calls()
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

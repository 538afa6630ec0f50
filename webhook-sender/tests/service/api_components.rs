//! Components as transforms: the files that an endpoint may name.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::api_world::Api;

/// Returns the error for a component of this name.
async fn refusal(api: &Api, name: &str) -> String {
    let declared = json!({
        "url": "http://127.0.0.1:9/", "events": ["*"], "transform_component": name,
    });
    let path = "/v1/tenants/acme/endpoints";
    let reply = api.send("POST", path, Some(declared)).await;
    assert_eq!(reply.status, 422, "{name}: {}", reply.text());
    reply.json()["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_component_is_a_file_of_its_folder_and_an_error_reveals_nothing_else() {
    let api = Api::start().await;
    let folder = api.setting.folder().join("components");
    fs::create_dir(&folder).unwrap();
    fs::create_dir(folder.join("inner")).unwrap();
    fs::write(folder.join("text"), "root:x:0:0").unwrap();
    fs::write(api.setting.folder().join("outside"), "root:x:0:0").unwrap();
    std::os::unix::fs::symlink("../outside", folder.join("link")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("device")).unwrap();
    let fifo = Command::new("mkfifo").arg(folder.join("fifo")).status();
    assert!(fifo.unwrap().success());
    for name in ["text", "link", "device", "fifo", "inner", "missing"] {
        let expected =
            format!("transform_component: `{name}` cannot be used as a transform component");
        assert_eq!(refusal(&api, name).await, expected);
    }
    for name in [
        "/dev/zero",
        "/etc/shadow",
        "../outside",
        "inner/x",
        ".",
        "..",
        "a\\b",
        "./text",
    ] {
        let refused = refusal(&api, name).await;
        assert!(refused.ends_with("is not the name of a file"), "{refused}");
    }
    // The log has the reasons.
    for reason in [
        "leads out of the folder",
        "not a regular file",
        "not a component",
    ] {
        api.sender.logged(reason).await;
    }
    assert!(api.sender.stop().success());
}

//! The guarantees of the Dockerfiles.

use crate::parsed::{IMAGES, is_pinned, last_stage, stages};
use crate::process::{root, text, version};

#[test]
fn every_copied_file_is_in_the_tree_or_built_before() {
    let ignored = text(".dockerignore");
    for image in IMAGES {
        let stages = stages(image);
        let build = stages[0].all("RUN").join("\n");
        let builds = format!("scripts/image.sh build {image} /out");
        assert!(build.contains(&builds), "{image}: {build}");
        for copy in last_stage(image).all("COPY") {
            let words: Vec<&str> = copy
                .split(' ')
                .filter(|word| !word.starts_with("--"))
                .collect();
            assert_eq!(words.len(), 2, "{image}: {copy}");
            if copy.contains("--from=build") {
                assert!(words[0].starts_with("/out/"), "{image}: {copy}");
                continue;
            }
            assert!(root().join(words[0]).exists(), "{image}: {copy}");
            let top = words[0].split('/').next().expect("it is not empty");
            assert!(!ignored.lines().any(|line| line == top), "{image}: {copy}");
        }
    }
}

#[test]
fn every_image_has_a_pinned_base() {
    for image in IMAGES {
        for stage in stages(image) {
            let from = stage.from.split(' ').next().expect("it names an image");
            assert!(from == "scratch" || is_pinned(from), "{image}: {from}");
        }
    }
}

#[test]
fn images_run_as_a_numeric_non_root_user_with_one_writable_folder() {
    for image in IMAGES {
        let stage = last_stage(image);
        let user = stage.one("USER");
        let ids: Vec<u32> = user
            .split(':')
            .map(|id| id.parse().expect("a number"))
            .collect();
        assert!(ids.len() == 2 && !ids.contains(&0), "{image}: {user}");
        let owned = stage.all("COPY");
        let owned: Vec<&str> = owned
            .into_iter()
            .filter(|copy| copy.contains("--chown"))
            .collect();
        let expected = format!("--from=build --chown={user} /out/state /var/lib");
        assert_eq!(owned, [expected.as_str()], "{image}");
        assert!(stage.one("VOLUME").starts_with("/var/lib/"), "{image}");
        assert_eq!(stage.one("VOLUME"), stage.one("WORKDIR"), "{image}");
    }
}

#[test]
fn images_declare_labels_a_health_check_and_a_stop_signal() {
    for image in IMAGES {
        let stage = last_stage(image);
        for label in ["title", "description", "revision"] {
            assert!(!stage.label(label).is_empty(), "{image}: {label}");
        }
        assert_eq!(stage.label("licenses"), "Apache-2.0");
        assert_eq!(stage.label("version"), "${VERSION}");
        let version = format!("VERSION={}", version());
        assert!(
            stage.all("ARG").contains(&version.as_str()),
            "{image}: {version}"
        );
        assert_eq!(stage.one("STOPSIGNAL"), "SIGTERM");
        let port: u16 = stage.one("EXPOSE").parse().expect("a port");
        let asked = stage.words("HEALTHCHECK");
        assert!(
            asked[0] != "sh" && asked[0] != "/bin/sh",
            "{image}: {asked:?}"
        );
        let shown = match image {
            // The default of the command is the address in the configuration of the image.
            "sender" => text("deploy/container/sender.toml"),
            _ => asked.join(" ") + " " + &stage.all("ENV").concat(),
        };
        assert!(
            shown.matches(&format!(":{port}")).count() >= 1,
            "{image}: {shown}"
        );
    }
    assert_eq!(
        last_stage("sender").words("HEALTHCHECK"),
        ["/webhook-sender", "health"]
    );
    assert_eq!(last_stage("sender").one("EXPOSE"), "8080");
}

//! The sender's image as a folder, built by the script of its build stage, and run.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::jail::Jail;
use crate::parsed::last_stage;
use crate::process::{Server, root, run, scratch, script, text};

/// An image as a folder.
pub struct Image {
    pub root: PathBuf,
    /// The content before the first run, by paths that start with `/`. Folders are listed only if they
    /// are empty.
    pub files: Vec<String>,
}

/// Returns the sender's image, built once by the script that the build stage runs, but unoptimised and without
/// components as transforms, which is a fraction of the work: wasmtime and Cranelift are most of a build,
/// and nothing else here needs them for this target.
pub fn image() -> &'static Image {
    static MADE: OnceLock<Image> = OnceLock::new();
    MADE.get_or_init(|| {
        let root = scratch("image");
        run(script("image.sh")
            .args(["root", "sender"])
            .arg(&root)
            .env("IMAGE_PROFILE", "dev")
            .env(
                "IMAGE_OPTIONS",
                "--package webhook-sender --no-default-features",
            )
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "false"));
        let mut files = Vec::new();
        list(&root, &root, &mut files);
        files.sort();
        // The mounted configuration, with a free port.
        let config = text("deploy/container/sender.toml");
        let config = config.replace("0.0.0.0:8080", "127.0.0.1:0");
        assert!(config.contains("127.0.0.1:0"), "{config}");
        std::fs::write(root.join("etc/webhook-sender/sender.toml"), config)
            .expect("the image is the tests' own");
        Image { root, files }
    })
}

fn list(root: &Path, folder: &Path, files: &mut Vec<String>) {
    let entries: Vec<_> = folder.read_dir().expect("a folder").collect();
    if entries.is_empty() {
        files.push(format!(
            "/{}/",
            folder.strip_prefix(root).expect("below").display()
        ));
    }
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            list(root, &path, files);
        } else {
            files.push(format!(
                "/{}",
                path.strip_prefix(root).expect("below").display()
            ));
        }
    }
}

/// Returns the types of the segments of a little-endian 64-bit ELF file.
fn segments(file: &[u8]) -> Vec<u32> {
    assert_eq!(&file[..6], b"\x7fELF\x02\x01", "not such a file");
    let at = |start: usize, length: usize| {
        let bytes = file[start..start + length].iter().rev();
        bytes.fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let (table, size, count) = (at(0x20, 8), at(0x36, 2), at(0x38, 2));
    let start = |index| usize::try_from(table + index * size).expect("it is in the file");
    (0..count)
        .map(|index| u32::try_from(at(start(index), 4)).expect("four bytes"))
        .collect()
}

#[test]
fn the_image_contains_only_the_copied_files() {
    let expected = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/webhook-sender/sender.toml",
        "/var/lib/webhook-sender/",
        "/webhook-sender",
    ];
    assert_eq!(image().files, expected);
}

#[test]
fn the_sender_in_the_image_starts_without_other_files() {
    const LOAD: u32 = 1;
    const INTERPRETER: u32 = 3;
    let file = std::fs::read(image().root.join("webhook-sender")).expect("it is there");
    let segments = segments(&file);
    assert!(segments.contains(&LOAD), "{segments:?}");
    assert!(!segments.contains(&INTERPRETER), "{segments:?}");
}

#[test]
fn the_sender_runs_in_the_image_without_privileges() {
    let image = image();
    let stage = last_stage("sender");
    let jail = Jail::of_this_user();
    let words = [stage.words("ENTRYPOINT"), stage.words("CMD")].concat();
    let environment = [("SENDER_TOKEN", "of-the-test-and-nobody-else")];
    let mut run_image = jail.command(image, &environment, &words);
    let server = Server::start(&mut run_image, "listening on ");
    assert_eq!(server.get("/healthz"), 200);
    assert_eq!(server.get("/readyz"), 200);
    if jail.rights.is_empty() {
        let owner = std::fs::metadata(format!("/proc/{}", server.id())).expect("it runs");
        assert_eq!(
            format!("{}:{}", owner.uid(), owner.gid()),
            stage.one("USER")
        );
    }
    let health = stage.words("HEALTHCHECK");
    let asked = [("SENDER_URL", server.url.as_str())];
    run(&mut jail.command(image, &asked, &health));
    let url = server.url.clone();
    let stopped = server.stop(jail.before_kill());
    assert!(stopped.success(), "{stopped}");
    let store = image.root.join("var/lib/webhook-sender/sender.db");
    assert!(store.is_file());
    let asked = jail
        .command(image, &[("SENDER_URL", &url)], &health)
        .output();
    assert!(
        !asked.expect("it can be run").status.success(),
        "it was stopped"
    );
}

#[test]
fn the_configuration_of_the_image_requires_a_token() {
    let stage = last_stage("sender");
    let mut words = [stage.words("ENTRYPOINT"), stage.words("CMD")].concat();
    // `run` would not end if the configuration is valid.
    words[1] = "check".to_owned();
    let output = Jail::of_this_user().command(image(), &[], &words).output();
    let output = output.expect("it can be run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("SENDER_TOKEN"),
        "{said}"
    );
}

#[test]
fn the_sender_accepts_the_shipped_configurations() {
    let files = [
        "container/sender.toml",
        "container/compose.sender.toml",
        "spinkube/base/sender.toml",
    ];
    for file in files {
        check(&root().join("deploy").join(file));
    }
}

#[test]
fn the_sender_accepts_the_suggested_additions_for_clusters() {
    let file = root().join("deploy/spinkube/base/sender.toml");
    let text = std::fs::read_to_string(file).expect("it is there");
    let added = text.replace("# allow_", "allow_");
    assert_eq!(added.len() + 4, text.len(), "two lines");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sender.toml");
    std::fs::write(&file, added).expect("it can be written");
    check(&file);
}

fn check(file: &Path) {
    run(Command::new(image().root.join("webhook-sender"))
        .args(["check", "--config"])
        .arg(file)
        .env("REDIS_URL", "redis://redis:6379")
        .env("SENDER_TOKEN", "of-the-test-and-nobody-else"));
}

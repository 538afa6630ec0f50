//! Tests of the SQLite store only: its file, and cancelled calls.

use std::future::poll_fn;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::task::Poll;

use rusqlite::Connection;
use tempfile::TempDir;
use webhook_store::sqlite::{OpenError, SqliteStore};
use webhook_store::{
    DeliveryFilter, Fence, NextState, Outcome, PlanBatch, Planned, Queries, Tenants,
};

use crate::stores::sqlite::Folder;
use crate::world::{DAY, UNTIL, World, at, due, event, planned, success, tenant_id};

pub fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sender.db");
    (folder, file)
}

/// Returns the error of opening a file, which must name the file.
fn refused(file: &Path) -> OpenError {
    let error = SqliteStore::open(file).err().unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(error.to_string().contains(name), "{error}");
    error
}

const HOLDER: &str = "FILE_TO_HOLD";

/// Starts another process that has opened the file and created a tenant.
fn holder(file: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "file::holds_a_file_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(HOLDER, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines
            .map_while(Result::ok)
            .any(|line| line.contains("it is open"))
    );
    child
}

#[tokio::test]
#[ignore = "is the other process of tests"]
async fn holds_a_file_until_it_is_killed() {
    let Some(file) = std::env::var_os(HOLDER) else {
        return;
    };
    let store = SqliteStore::open(file.as_ref()).unwrap();
    store.put_tenant(&tenant_id("acme")).await.unwrap();
    println!("it is open");
    std::future::pending().await
}

#[tokio::test]
async fn a_file_has_one_process_and_the_lock_of_a_killed_one_is_released() {
    let (_folder, file) = folder();
    let mut child = holder(&file);
    match refused(&file) {
        OpenError::InUse { pid, .. } => assert_eq!(pid, Some(child.id())),
        other => panic!("{other}"),
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let store = SqliteStore::open(&file).unwrap();
    let tenants = store.tenants().await.unwrap();
    assert_eq!(tenants.len(), 1, "an acknowledged write survives");
}

#[tokio::test]
async fn all_paths_to_a_file_share_one_lock() {
    let (folder, file) = folder();
    let _store = SqliteStore::open(&file).unwrap();
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for name in [link, folder.path().join(".").join("sender.db")] {
        assert!(matches!(
            SqliteStore::open(&name),
            Err(OpenError::InUse { .. })
        ));
    }
}

#[tokio::test]
async fn a_dropped_store_can_be_opened_again() {
    let (_folder, file) = folder();
    for _ in 0..3 {
        drop(SqliteStore::open(&file).unwrap());
    }
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_rejected_and_unchanged() {
    let (_folder, file) = folder();
    let text = "no database, but something that somebody wrote ".repeat(100);
    std::fs::write(&file, &text).unwrap();
    assert!(matches!(refused(&file), OpenError::NotADatabase { .. }));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_another_program_is_rejected_and_unchanged() {
    for version in [0, 1] {
        let (_folder, file) = folder();
        let other = Connection::open(&file).unwrap();
        other
            .execute_batch("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)")
            .unwrap();
        other.pragma_update(None, "user_version", version).unwrap();
        drop(other);
        let before = std::fs::read(&file).unwrap();
        assert!(matches!(refused(&file), OpenError::Foreign { .. }));
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
}

#[tokio::test]
async fn a_newer_schema_is_rejected() {
    let (_folder, file) = folder();
    drop(SqliteStore::open(&file).unwrap());
    Connection::open(&file)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    match refused(&file) {
        OpenError::Newer { found, known, .. } => assert!(found == 99 && known < 99),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_error_names_a_folder_that_cannot_be_written() {
    let (folder, _) = folder();
    // Not even root can create files in `/proc`.
    for file in [
        Path::new("/proc/sender.db"),
        &folder.path().join("missing").join("sender.db"),
    ] {
        assert!(matches!(refused(file), OpenError::Unwritable { .. }));
    }
    assert!(SqliteStore::open(folder.path()).is_err());
}

#[tokio::test]
async fn only_its_owner_can_read_the_file() {
    let (folder, file) = folder();
    let store = SqliteStore::open(&file).unwrap();
    store.ping().await.unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.path());
        count += 1;
    }
    assert!(count >= 3, "the database, its log and its lock");
}

#[tokio::test]
async fn opening_a_file_removes_the_permissions_of_others() {
    let (folder, file) = folder();
    drop(SqliteStore::open(&file).unwrap());
    // The log and its index, as a killed process leaves them.
    let paths = ["", "-wal", "-shm", "-lock"].map(|suffix| {
        let path = folder.path().join(format!("sender.db{suffix}"));
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .unwrap();
        let open_to_all = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&path, open_to_all).unwrap();
        path
    });
    let store = SqliteStore::open(&file).unwrap();
    store.ping().await.unwrap();
    for path in paths {
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path:?}");
    }
}

/// Plans, completes and prunes a number of deliveries, `rounds` times.
async fn churn(world: &World, rounds: std::ops::Range<u64>) {
    for round in rounds {
        let now = 10 * DAY * (round + 1);
        assert!(now < UNTIL);
        let body = "x".repeat(1_000);
        let one = |n| {
            let event = webhook_model::Event {
                data: body.clone().into(),
                ..event(&format!("{round}-{n}"))
            };
            planned(&world.acme, event, &[due(&world.orders, now)])
        };
        world
            .plan_as(
                &world.owner,
                &world.acme,
                (0..2_000).map(one).collect(),
                now,
            )
            .await;
        let claims = world.claim(&world.orders, 2_000, now).await;
        assert_eq!(claims.len(), 2_000);
        let outcomes = claims.into_iter().map(|claim| Outcome {
            tenant: claim.tenant,
            id: claim.id,
            endpoint: claim.endpoint,
            fence: claim.fence,
            attempt: Some(success(now)),
            next: NextState::Succeeded,
        });
        world
            .store()
            .complete(&world.owner, &outcomes.collect::<Vec<_>>(), at(now))
            .await
            .unwrap();
        let later = at(now + 5 * DAY);
        world.store().recover(&world.owner, later).await.unwrap();
        while world.store().prune(later, later).await.unwrap() {}
        assert_eq!(world.list(&DeliveryFilter::default()).await, []);
    }
}

#[tokio::test]
async fn the_file_does_not_grow_with_pruned_deliveries() {
    let folder = Folder::new();
    let path = folder.path().to_owned();
    let world = World::new(folder).await;
    let size = || -> u64 {
        let files = std::fs::read_dir(&path).unwrap();
        files
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum()
    };
    churn(&world, 0..4).await;
    let before = size();
    churn(&world, 4..20).await;
    let after = size();
    // The size of the log varies; 16 more rounds are about 40 MB of bodies.
    assert!(after < before + (24 << 20), "{before} bytes became {after}");
}

#[tokio::test]
async fn a_large_file_shrinks_after_pruning() {
    let folder = Folder::new();
    let path = folder.path().join("sender.db");
    let world = World::new(folder).await;
    for batch in 0..20 {
        let data = bytes::Bytes::from(vec![b'x'; 50_000]);
        let one = |n| {
            let event = webhook_model::Event {
                data: data.clone(),
                ..event(&format!("{batch}-{n}"))
            };
            planned(
                &world.acme,
                event,
                &[crate::world::dead(&world.orders, "no")],
            )
        };
        world
            .plan_as(&world.owner, &world.acme, (0..50).map(one).collect(), 1)
            .await;
    }
    let later = at(9 * DAY);
    world.store().recover(&world.owner, later).await.unwrap();
    while world.store().prune(later, later).await.unwrap() {}
    for _ in 0..60 {
        world.store().prune(later, later).await.unwrap();
    }
    drop(world.into_home());
    let left = std::fs::metadata(&path).map_or(0, |file| file.len());
    assert!(left < 20 << 20, "{left} bytes are left of 50 MB");
}

/// Polls a call once, so that it is in progress, and cancels it. Returns its result if it had ended.
async fn give_up<T>(call: impl Future<Output = T>) -> Option<T> {
    let mut call = std::pin::pin!(call);
    poll_fn(|context| {
        Poll::Ready(match call.as_mut().poll(context) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        })
    })
    .await
}

/// Waits until the writer has run all commands, and those that they caused.
async fn settle(world: &World) {
    for _ in 0..2 {
        world.store().ping().await.unwrap();
    }
}

#[tokio::test]
async fn claims_of_a_cancelled_call_are_returned() {
    let world = World::new(Folder::new()).await;
    let id = world.one(event("e"), due(&world.orders, 1), 1).await;
    let requests = [world.ask(&world.orders, 5)];
    // A claim writes nothing, so it may have ended at once, and then belongs to the caller.
    while let Some(claims) = give_up(world.store().claim(&world.owner, &requests, at(2))).await {
        world.flies_under(std::slice::from_ref(&id), claims.unwrap()[0].fence);
        assert!(world.complete(&id, None, NextState::Due(at(1)), 2).await);
    }
    settle(&world).await;
    assert_eq!(world.claim_ids(2).await, std::slice::from_ref(&id));
    world.succeed(&id, 3).await;
}

#[tokio::test]
async fn deliveries_planned_by_a_cancelled_call_are_due() {
    let folder = Folder::new();
    let path = folder.path().to_owned();
    let world = World::new(folder).await;
    let event = planned(
        &world.acme,
        event("e"),
        &[crate::world::claimed(&world.orders)],
    );
    let id = event.deliveries[0].id.clone();
    let version = world.version(&world.acme).await;
    let batch = PlanBatch {
        tenant: world.acme.clone(),
        version,
        fence: Fence::new(at(2)),
        events: vec![event],
        accepted: false,
    };
    // The call cannot end while the file is locked.
    let lock = Connection::open(path.join("sender.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ended = give_up(world.store().plan(&world.owner, batch, at(2))).await;
    assert!(ended.is_none());
    drop(lock);
    settle(&world).await;
    assert_eq!(world.claim_ids(2).await, std::slice::from_ref(&id));
    world.succeed(&id, 3).await;
}

#[tokio::test]
async fn every_id_is_found_among_many_and_after_a_restart() {
    let mut world = World::new(Folder::new()).await;
    let one = |n: u64| {
        planned(
            &world.acme,
            event(&format!("e{n}")),
            &[due(&world.orders, 1)],
        )
    };
    let ids: Vec<_> = (0..10_000)
        .map(|n| one(n).deliveries[0].id.clone())
        .collect();
    for batch in 0..10 {
        let events = (batch * 1_000..(batch + 1) * 1_000).map(one).collect();
        world.plan_as(&world.owner, &world.acme, events, 1).await;
    }
    for restarted in [false, true] {
        if restarted {
            world.restart(2).await;
        }
        for n in (0..10_000).step_by(97) {
            let event = event(&format!("e{n}"));
            assert_eq!(world.get(&ids[n]).await.event, event.id);
            let found = world.store().event(&world.acme, &event.id).await.unwrap();
            assert_eq!(found.as_ref(), Some(&event));
            let again = planned(&world.acme, event, &[due(&world.orders, 1)]);
            let result = world
                .plan_as(&world.owner, &world.acme, vec![again], 2)
                .await;
            assert_eq!(result, [Planned::Known]);
        }
    }
}

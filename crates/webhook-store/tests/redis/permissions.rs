//! Tests of the warnings about the server's permissions and settings.

use std::sync::{Arc, Mutex};

use test_support::with_timeout;
use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use webhook_store::{InitialState, Leases};

use crate::world::{World, at, owner, plan};

/// The collected warnings of this thread, on which the whole test runs.
#[derive(Clone, Default)]
struct Warnings {
    texts: Arc<Mutex<Vec<String>>>,
    came: Arc<Notify>,
}

impl Warnings {
    fn listen(&self) -> DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }

    fn about(&self, word: &str) -> Vec<String> {
        let texts = self.texts.lock().unwrap();
        let about = texts.iter().filter(|text| text.contains(word));
        about.cloned().collect()
    }

    async fn until(&self, word: &str) {
        let come = async {
            while self.about(word).is_empty() {
                self.came.notified().await;
            }
        };
        with_timeout(come, || format!("a warning about {word}")).await;
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!("{field}={value:?} ");
    }
}

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() > Level::WARN {
            return;
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.texts.lock().unwrap().push(text.0);
        self.came.notify_one();
    }
}

#[tokio::test]
async fn a_denied_channel_causes_one_warning() {
    let world = World::new().await;
    let rules = "ACL SETUSER limited on >secret ~* resetchannels +@all";
    let rules: Vec<_> = rules.split(' ').collect();
    world.command(&rules).await;
    let warnings = Warnings::default();
    let _listening = warnings.listen();
    let a = owner("a");
    let store = world.store_at(&world.server.url().replace("//", "//limited:secret@"));
    store.acquire_lease(&a, at(0), at(10_000)).await.unwrap();
    warnings.until("wake").await;
    // Publishing is denied too, and deliveries continue.
    let _ = world.store(&owner("b")).await;
    for id in ["one", "two"] {
        plan(&store, &a, id, InitialState::Due(at(5)), 1)
            .await
            .unwrap();
    }
    let said = warnings.about("wake");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(!said[0].contains("secret"), "{said:?}");
}

#[tokio::test]
async fn a_server_that_evicts_keys_causes_a_warning() {
    for (policy, warned) in [("allkeys-lru", 1), ("volatile-lru", 0), ("noeviction", 0)] {
        let world = World::new().await;
        world
            .command(&["CONFIG", "SET", "maxmemory-policy", policy])
            .await;
        let warnings = Warnings::default();
        let _listening = warnings.listen();
        let a = owner("a");
        let store = world.store(&a).await;
        store.acquire_lease(&a, at(1), at(20_000)).await.unwrap();
        assert_eq!(warnings.about("maxmemory-policy").len(), warned, "{policy}");
    }
}

#[tokio::test]
async fn a_server_that_hides_its_policy_is_used() {
    let world = World::new().await;
    let rules = "ACL SETUSER limited on >secret ~* &* +@all -info";
    let rules: Vec<_> = rules.split(' ').collect();
    world.command(&rules).await;
    let warnings = Warnings::default();
    let _listening = warnings.listen();
    let store = world.store_at(&world.server.url().replace("//", "//limited:secret@"));
    store
        .acquire_lease(&owner("a"), at(0), at(10_000))
        .await
        .unwrap();
    assert_eq!(warnings.about("INFO"), [""; 0]);
    assert_eq!(warnings.about("maxmemory"), [""; 0]);
}

#[tokio::test]
async fn the_time_of_leases_is_the_server_s() {
    let world = World::new().await;
    let store = world.bare_store();
    let clock = webhook_model::Clock::system();
    let before = clock.now();
    let time = store.time().await.unwrap().unwrap();
    assert!(before <= time && time <= clock.now(), "{time}");
}

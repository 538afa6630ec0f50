//! A sink that records the entries it receives.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use event_sources::{Sink, SinkError, SourceEntry};
use test_support::with_timeout;
use tokio::sync::watch;

/// Decides the result for an entry.
type Judge = Box<dyn Fn(&SourceEntry) -> Result<(), SinkError> + Send + Sync>;

/// A sink that records the entries it receives.
pub struct Recorder {
    room: watch::Sender<usize>,
    /// The number of calls of `capacity`.
    asked: watch::Sender<usize>,
    taken: watch::Sender<Vec<SourceEntry>>,
    /// The number of entries of each call of `take`.
    calls: Mutex<Vec<usize>>,
    judge: Mutex<Judge>,
    /// While true, calls of `take` do not return.
    held: watch::Sender<bool>,
}

impl Recorder {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            room: watch::Sender::new(1000),
            asked: watch::Sender::default(),
            taken: watch::Sender::default(),
            calls: Mutex::default(),
            judge: Mutex::new(Box::new(|_| Ok(()))),
            held: watch::Sender::new(false),
        })
    }

    pub fn set_room(&self, room: usize) {
        self.room.send_replace(room);
    }

    pub fn judge(
        &self,
        judge: impl Fn(&SourceEntry) -> Result<(), SinkError> + Send + Sync + 'static,
    ) {
        *self.judge.lock().unwrap() = Box::new(judge);
    }

    /// Waits for this many further calls of `capacity`.
    pub async fn asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        let until = *asked.borrow_and_update() + times;
        let often = asked.wait_for(|asked| *asked >= until);
        let _asked = with_timeout(often, || format!("{times} calls of capacity")).await;
    }

    /// Blocks calls of `take` while `held` is true.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Returns the ids of a tenant's entries so far.
    pub fn ids_of(&self, tenant: &str) -> Vec<String> {
        let taken = self.taken.borrow();
        let theirs = |taken: &&SourceEntry| names(taken, tenant);
        taken
            .iter()
            .filter(theirs)
            .map(|one| one.id.clone())
            .collect()
    }

    /// Waits until `count` entries of a tenant have come.
    pub async fn taken_of(&self, tenant: &str, count: usize) {
        let mut taken = self.taken.subscribe();
        let theirs = |all: &Vec<SourceEntry>| all.iter().filter(|one| names(one, tenant)).count();
        let enough = taken.wait_for(|all| theirs(all) >= count);
        let seen = || {
            format!(
                "{count} entries of {tenant}; so far {:?}",
                self.ids_of(tenant)
            )
        };
        let _all = with_timeout(enough, seen).await.unwrap();
    }

    /// Returns the number of entries of each call so far.
    pub fn calls(&self) -> Vec<usize> {
        self.calls.lock().unwrap().clone()
    }

    /// Returns the ids of all entries so far, in order, including repeated ones.
    pub fn ids(&self) -> Vec<String> {
        self.taken
            .borrow()
            .iter()
            .map(|taken| taken.id.clone())
            .collect()
    }

    /// Returns the data of the events so far, in order, without repetitions.
    pub fn data(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for entry in self.taken.borrow().iter() {
            let Ok(event) = &entry.content else { continue };
            let data = String::from_utf8_lossy(&event.data).into_owned();
            if !all.contains(&data) {
                all.push(data);
            }
        }
        all
    }

    /// Waits until events with all of these data have come.
    pub async fn has(&self, data: &[String]) {
        let mut taken = self.taken.subscribe();
        let all = |_: &Vec<SourceEntry>| {
            let seen = self.data();
            data.iter().all(|one| seen.contains(one))
        };
        let seen = || format!("{data:?}; so far {:?}", self.data());
        let _all = with_timeout(taken.wait_for(all), seen).await.unwrap();
    }

    /// Waits until `count` entries have come, and returns all of them.
    pub async fn taken(&self, count: usize) -> Vec<SourceEntry> {
        let mut taken = self.taken.subscribe();
        let enough = taken.wait_for(|taken| taken.len() >= count);
        let seen = || format!("{count} entries; so far {:?}", self.ids());
        with_timeout(enough, seen).await.unwrap().clone()
    }
}

#[async_trait]
impl Sink for Recorder {
    async fn capacity(&self) -> usize {
        self.asked.send_modify(|asked| *asked += 1);
        let mut room = self.room.subscribe();
        let room = room.wait_for(|room| *room > 0).await.unwrap();
        *room
    }

    async fn take(&self, entries: Vec<SourceEntry>) -> Vec<Result<(), SinkError>> {
        self.calls.lock().unwrap().push(entries.len());
        let results = {
            let judge = self.judge.lock().unwrap();
            entries.iter().map(&**judge).collect()
        };
        self.taken.send_modify(|taken| taken.extend(entries));
        self.held.subscribe().wait_for(|held| !held).await.unwrap();
        results
    }
}

fn names(taken: &SourceEntry, tenant: &str) -> bool {
    taken
        .tenant
        .as_ref()
        .is_some_and(|it| it.as_str() == tenant)
}

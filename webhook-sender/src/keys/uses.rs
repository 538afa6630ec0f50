//! The last uses of keys.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use webhook_model::{KeyId, Millis};

/// The time after which the use of a key is recorded again.
const RECORD_EVERY: Duration = Duration::from_secs(60);

/// The uses of keys that are to be recorded in the store. Only valid keys are noted, so that their
/// number bounds this.
#[derive(Default)]
pub(super) struct Uses(Mutex<State>);

#[derive(Default)]
struct State {
    /// The last uses that were recorded or are being recorded.
    recorded: HashMap<KeyId, Millis>,
    /// Uses to record.
    due: HashMap<KeyId, Millis>,
}

impl Uses {
    /// Notes a use. Does not wait.
    pub fn note(&self, key: &KeyId, now: Millis) {
        let mut state = self.lock();
        let last = state.recorded.get(key);
        if last.is_none_or(|last| now.since(*last) >= RECORD_EVERY) {
            state.due.insert(key.clone(), now);
        }
    }

    /// Takes the uses to record.
    pub fn take(&self) -> Vec<(KeyId, Millis)> {
        let mut state = self.lock();
        let due: Vec<_> = state.due.drain().collect();
        state.recorded.extend(due.iter().cloned());
        due
    }

    /// Notes uses again that could not be recorded.
    pub fn put_back(&self, uses: Vec<(KeyId, Millis)>) {
        let mut state = self.lock();
        for (key, at) in uses {
            state.recorded.remove(&key);
            state.due.entry(key).or_insert(at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_recorded_once_a_minute() {
        let (uses, key, at) = (Uses::default(), KeyId::random(), |s: u64| Millis(s * 1000));
        uses.note(&key, at(100));
        uses.note(&key, at(101));
        assert_eq!(uses.take(), [(key.clone(), at(101))]);
        uses.note(&key, at(130));
        assert_eq!(uses.take(), []);
        uses.note(&key, at(161));
        let due = uses.take();
        assert_eq!(due, [(key.clone(), at(161))]);
        uses.put_back(due.clone());
        assert_eq!(uses.take(), due);
    }
}

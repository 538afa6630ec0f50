//! Warns of a server that would drop deliveries to make room.

use std::sync::atomic::Ordering;

use redis::Value;

use super::RedisStore;

impl RedisStore {
    /// Warns once where the server is set to evict keys of this store. A server that does not tell,
    /// for want of a permission or otherwise, is left at that.
    pub(super) async fn check_eviction(&self) {
        if self.eviction_checked.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut info = redis::cmd("INFO");
        let Ok(info) = self.link.query(info.arg("memory")).await else {
            return;
        };
        let mut texts = Vec::new();
        collect_texts(info, &mut texts);
        if let Some(policy) = texts.iter().find_map(|text| evicting_policy(text)) {
            tracing::warn!(
                store = %self.link.address(), policy,
                "maxmemory-policy lets Redis drop deliveries when it is full; set it to `noeviction`"
            );
        }
    }
}

/// The texts of a reply, which is one of several nodes for a cluster.
fn collect_texts(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::BulkString(bytes) => texts.push(String::from_utf8_lossy(&bytes).into_owned()),
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => texts.push(text),
        Value::Array(all) => all.into_iter().for_each(|one| collect_texts(one, texts)),
        Value::Map(pairs) => pairs
            .into_iter()
            .for_each(|(_, one)| collect_texts(one, texts)),
        _ => {}
    }
}

/// The policy that `INFO memory` tells of, if it evicts keys that have no time to live: no key of
/// this store has one, so the `volatile` policies do not touch it.
fn evicting_policy(info: &str) -> Option<&str> {
    let policies = info
        .lines()
        .filter_map(|line| line.trim().strip_prefix("maxmemory_policy:"));
    policies
        .into_iter()
        .find(|policy| policy.starts_with("allkeys"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_policies_that_evict_keys_without_a_time_to_live_are_warned_of() {
        let of = |policy: &str| format!("# Memory\r\nmaxmemory:1\r\nmaxmemory_policy:{policy}\r\n");
        for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random"] {
            assert_eq!(evicting_policy(&of(policy)), Some(policy));
        }
        for policy in ["noeviction", "volatile-lru", "volatile-ttl"] {
            assert_eq!(evicting_policy(&of(policy)), None);
        }
    }

    #[test]
    fn every_node_s_reply_is_read() {
        let node = |text: &str| (Value::Nil, Value::BulkString(text.into()));
        let mut texts = Vec::new();
        collect_texts(Value::Map(vec![node("one"), node("two")]), &mut texts);
        assert_eq!(texts, ["one", "two"]);
    }
}

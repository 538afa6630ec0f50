//! Warns of a server that would evict deliveries when it is full.

use std::sync::atomic::Ordering;

use redis::Value;

use super::RedisStore;

impl RedisStore {
    /// Warns once if the server's policy evicts keys of this store. If the policy cannot be read, for
    /// instance without a permission, nothing is logged.
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
                "maxmemory-policy lets Redis evict deliveries when it is full; set it to `noeviction`"
            );
        }
    }
}

/// Collects the texts of a reply. A cluster's reply contains one of each node.
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

/// Returns the policy in `INFO memory` if it evicts keys without a time to live. No key of this store
/// has one, so the `volatile` policies are safe.
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
    fn only_policies_that_evict_keys_without_a_time_to_live_cause_a_warning() {
        let of = |policy: &str| format!("# Memory\r\nmaxmemory:1\r\nmaxmemory_policy:{policy}\r\n");
        for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random"] {
            assert_eq!(evicting_policy(&of(policy)), Some(policy));
        }
        for policy in ["noeviction", "volatile-lru", "volatile-ttl"] {
            assert_eq!(evicting_policy(&of(policy)), None);
        }
    }

    #[test]
    fn the_reply_of_every_node_is_read() {
        let node = |text: &str| (Value::Nil, Value::BulkString(text.into()));
        let mut texts = Vec::new();
        collect_texts(Value::Map(vec![node("one"), node("two")]), &mut texts);
        assert_eq!(texts, ["one", "two"]);
    }
}

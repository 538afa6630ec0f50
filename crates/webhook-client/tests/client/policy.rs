//! The policy of clients that call receivers on this machine.

use webhook_client::Policy;

/// Lets receivers of this machine be called.
pub fn loopback() -> Policy {
    Policy {
        allow_http: true,
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        deny_networks: vec![],
    }
}

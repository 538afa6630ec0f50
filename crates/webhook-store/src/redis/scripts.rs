//! The Lua scripts. Each is atomic, and touches the keys of one tenant or the shared keys.

use std::sync::LazyLock;

use redis_link::Script;

macro_rules! tenant_scripts {
    ($($(#[doc = $doc:literal])* $name:ident = $file:literal;)*) => {$(
        $(#[doc = $doc])*
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(&[include_str!("scripts/prelude.lua"), include_str!(concat!("scripts/", $file))])
        });
    )*};
}

/// Keeps events and their deliveries.
pub(super) static PLAN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        include_str!("scripts/prelude.lua"),
        include_str!("scripts/content.lua"),
        include_str!("scripts/counts.lua"),
        include_str!("scripts/plan.lua"),
    ])
});

/// Keeps accepted events for later planning.
pub(super) static ACCEPT: LazyLock<Script> =
    LazyLock::new(|| with_content(include_str!("scripts/accept.lua")));

/// Returns a tenant's script that compares the contents of events.
fn with_content(own: &str) -> Script {
    let shared = [
        include_str!("scripts/prelude.lua"),
        include_str!("scripts/content.lua"),
    ];
    Script::new(&[shared[0], shared[1], own])
}

/// Records the outcomes of claims.
pub(super) static COMPLETE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        include_str!("scripts/prelude.lua"),
        include_str!("scripts/exchanges.lua"),
        include_str!("scripts/complete.lua"),
    ])
});

/// Returns those of some deliveries that match a filter.
pub(super) static MATCHES: LazyLock<Script> =
    LazyLock::new(|| with_content_and_exchanges(include_str!("scripts/matches.lua")));

/// Erases the payload of an event.
pub(super) static ERASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        include_str!("scripts/prelude.lua"),
        include_str!("scripts/content.lua"),
        include_str!("scripts/exchanges.lua"),
        include_str!("scripts/counts.lua"),
        include_str!("scripts/erase.lua"),
    ])
});

/// Returns events without their data.
pub(super) static EVENT_HEADS: LazyLock<Script> =
    LazyLock::new(|| with_content(include_str!("scripts/event_heads.lua")));

/// Returns a tenant's script that reads events and the attempts of records.
fn with_content_and_exchanges(own: &str) -> Script {
    Script::new(&[
        include_str!("scripts/prelude.lua"),
        include_str!("scripts/content.lua"),
        include_str!("scripts/exchanges.lua"),
        own,
    ])
}

/// Adds to the counters of endpoints and of their tenant.
pub(super) static WRITE_COUNTS: LazyLock<Script> =
    LazyLock::new(|| with_counts(include_str!("scripts/write_counts.lua")));

/// Returns a tenant's script that writes counters.
fn with_counts(own: &str) -> Script {
    let shared = [
        include_str!("scripts/prelude.lua"),
        include_str!("scripts/counts.lua"),
    ];
    Script::new(&[shared[0], shared[1], own])
}

/// Makes deliveries in flight under an owner due again.
pub(super) static RETURN_CLAIMS: LazyLock<Script> =
    LazyLock::new(|| with_counts(include_str!("scripts/return_claims.lua")));

/// Buries a part of a removed endpoint's pending deliveries.
pub(super) static BURY_ENDPOINT: LazyLock<Script> =
    LazyLock::new(|| with_counts(include_str!("scripts/bury_endpoint.lua")));

macro_rules! shared_scripts {
    ($($(#[doc = $doc:literal])* $name:ident = $file:literal;)*) => {$(
        $(#[doc = $doc])*
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(&[include_str!(concat!("scripts/", $file))]));
    )*};
}

/// Returns a script that ends sessions.
fn with_sessions(own: &str) -> Script {
    Script::new(&[include_str!("scripts/session.lua"), own])
}

/// Deletes an access key, and ends its sessions.
pub(super) static DROP_KEY: LazyLock<Script> =
    LazyLock::new(|| with_sessions(include_str!("scripts/drop_key.lua")));

/// Ends a session.
pub(super) static DROP_SESSION: LazyLock<Script> =
    LazyLock::new(|| with_sessions(include_str!("scripts/drop_session.lua")));

/// Ends a part of the sessions of a tenant's portal.
pub(super) static DROP_SESSIONS_OF: LazyLock<Script> =
    LazyLock::new(|| with_sessions(include_str!("scripts/drop_sessions_of.lua")));

/// Deletes a part of the sessions that have ended.
pub(super) static PRUNE_SESSIONS: LazyLock<Script> =
    LazyLock::new(|| with_sessions(include_str!("scripts/prune_sessions.lua")));

/// Returns a script that deletes audit entries.
fn with_audit(own: &str) -> Script {
    Script::new(&[include_str!("scripts/audit.lua"), own])
}

/// Stores or replaces an audit entry.
pub(super) static PUT_AUDIT: LazyLock<Script> =
    LazyLock::new(|| with_audit(include_str!("scripts/put_audit.lua")));

/// Deletes a part of the old audit entries.
pub(super) static PRUNE_AUDIT: LazyLock<Script> =
    LazyLock::new(|| with_audit(include_str!("scripts/prune_audit.lua")));

tenant_scripts! {
    /// Takes events for planning.
    BEGIN_PLANNING = "begin_planning.lua";
    /// Ends the planning of an owner.
    END_PLANNING = "end_planning.lua";
    /// Removes an accepted event.
    DISCARD_ACCEPTED = "discard_accepted.lua";
    /// Takes due deliveries into flight.
    CLAIM = "claim.lua";
    /// Returns the due endpoints and the next due time.
    DUE = "due.lua";
    /// Makes deliveries that ended due again.
    REPLAY = "replay.lua";
    /// Returns the deliveries that are pending or in flight, if they are few.
    UNFINISHED = "unfinished.lua";
    /// Returns the statistics of an endpoint.
    ENDPOINT_STATS = "endpoint_stats.lua";
    /// Returns the sums of a tenant.
    TENANT_STATS = "tenant_stats.lua";
    /// Creates a tenant.
    PUT_TENANT = "put_tenant.lua";
    /// Removes a tenant's endpoints, so that no more events are planned.
    DROP_TENANT = "drop_tenant.lua";
    /// Deletes a part of a dropped tenant's remaining data.
    PURGE_TENANT = "purge_tenant.lua";
    /// Writes an endpoint if the stored one has the expected version.
    PUT_ENDPOINT = "put_endpoint.lua";
    /// Removes an endpoint.
    DROP_ENDPOINT = "drop_endpoint.lua";
    /// Returns the summary of a tenant for recovery.
    TENANT_SUMMARY = "tenant_summary.lua";
    /// Deletes a part of what ended long ago.
    PRUNE = "prune.lua";
    /// Corrects due times that a clock which was ahead has set.
    REWIND = "rewind.lua";
    /// Corrects due times of deliveries that wait for their ordering group.
    REWIND_ORDERING_GROUP = "rewind_ordering_group.lua";
}

shared_scripts! {
    /// Adds an owner's lease, or returns the owner that has its name.
    ACQUIRE_LEASE = "acquire_lease.lua";
    /// Extends an owner's lease.
    RENEW_LEASE = "renew_lease.lua";
    /// Removes an owner's lease.
    RELEASE_LEASE = "release_lease.lua";
    /// Removes expired leases of other owners.
    EXPIRE_LEASES = "expire_leases.lua";
    /// Returns the time by the server's clock.
    TIME = "time.lua";
    /// Raises a tenant's version in the index, unless it is higher already.
    RAISE_VERSION = "raise_version.lua";
    /// Removes a tenant from the index.
    UNLIST_TENANT = "unlist_tenant.lua";
    /// Moves a tenant's hint, unless another process has moved it.
    MOVE_HINT = "move_hint.lua";
    /// Keeps rejected events.
    REJECT = "reject.lua";
    /// Replaces a rejected event, unless another process has changed or removed it.
    REPLACE_REJECTED = "replace_rejected.lua";
    /// Removes and returns a rejected event.
    TAKE_REJECTED = "take_rejected.lua";
    /// Counts the waiting events and deliveries of some tenants.
    DEPTH = "depth.lua";
    /// Adds an access key.
    ADD_KEY = "add_key.lua";
    /// Records the last uses of access keys.
    RECORD_KEY_USES = "record_key_uses.lua";
    /// Adds a session.
    ADD_SESSION = "add_session.lua";
    /// Moves the end of a session, unless it was changed.
    EXTEND_SESSION = "extend_session.lua";
    /// Deletes rejected events.
    PRUNE_REJECTED = "prune_rejected.lua";
}

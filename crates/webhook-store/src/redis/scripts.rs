//! The scripts. Each touches the keys of one tenant, or those that all share, and is atomic.

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
pub(super) static PLAN: LazyLock<Script> =
    LazyLock::new(|| with_content(include_str!("scripts/plan.lua")));

/// Keeps events that are planned later.
pub(super) static ACCEPT: LazyLock<Script> =
    LazyLock::new(|| with_content(include_str!("scripts/accept.lua")));

/// A script of a tenant that compares the contents of events.
fn with_content(own: &str) -> Script {
    let shared = [
        include_str!("scripts/prelude.lua"),
        include_str!("scripts/content.lua"),
    ];
    Script::new(&[shared[0], shared[1], own])
}

macro_rules! shared_scripts {
    ($($(#[doc = $doc:literal])* $name:ident = $file:literal;)*) => {$(
        $(#[doc = $doc])*
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(&[include_str!(concat!("scripts/", $file))]));
    )*};
}

tenant_scripts! {
    /// Takes events for planning.
    BEGIN_PLANNING = "begin_planning.lua";
    /// Ends the planning of an owner.
    END_PLANNING = "end_planning.lua";
    /// Removes an accepted event.
    DISCARD_ACCEPTED = "discard_accepted.lua";
    /// Takes due deliveries into flight.
    CLAIM = "claim.lua";
    /// Records what came of attempts.
    COMPLETE = "complete.lua";
    /// What is due, and when the next one is.
    DUE = "due.lua";
    /// Makes some deliveries of an owner due again.
    RETURN_CLAIMS = "return_claims.lua";
    /// Makes deliveries that ended due again.
    REPLAY = "replay.lua";
    /// Creates a tenant.
    PUT_TENANT = "put_tenant.lua";
    /// Takes a tenant's endpoints away, so that nothing more is planned.
    DROP_TENANT = "drop_tenant.lua";
    /// Removes a piece of what a dropped tenant has left.
    PURGE_TENANT = "purge_tenant.lua";
    /// Writes an endpoint over the version that is expected.
    PUT_ENDPOINT = "put_endpoint.lua";
    /// Removes an endpoint.
    DROP_ENDPOINT = "drop_endpoint.lua";
    /// Buries a piece of what is pending for a removed endpoint.
    BURY_ENDPOINT = "bury_endpoint.lua";
    /// What the periodic look at a tenant needs to know.
    TENANT_SUMMARY = "tenant_summary.lua";
    /// Forgets some of what ended long ago.
    PRUNE = "prune.lua";
    /// Moves back what was made due by a clock that was ahead.
    REWIND = "rewind.lua";
    /// The same for what waits for its turn.
    REWIND_ORDERING_GROUP = "rewind_ordering_group.lua";
}

shared_scripts! {
    /// Writes an owner down, or says who has its name.
    ACQUIRE_LEASE = "acquire_lease.lua";
    /// Extends an owner's lease.
    RENEW_LEASE = "renew_lease.lua";
    /// Takes an owner out.
    RELEASE_LEASE = "release_lease.lua";
    /// Takes out the others whose lease has run out.
    EXPIRE_LEASES = "expire_leases.lua";
    /// The server's clock.
    TIME = "time.lua";
    /// Makes the number of a tenant's version the greater one.
    RAISE_VERSION = "raise_version.lua";
    /// Takes a tenant out of the index.
    UNLIST_TENANT = "unlist_tenant.lua";
    /// Moves a tenant's place among the due ones, if nobody else has.
    MOVE_HINT = "move_hint.lua";
    /// Keeps rejected events.
    REJECT = "reject.lua";
    /// Takes a rejected event out.
    TAKE_REJECTED = "take_rejected.lua";
    /// Counts what is waiting for some tenants.
    DEPTH = "depth.lua";
    /// Forgets rejected events.
    PRUNE_REJECTED = "prune_rejected.lua";
}

//! Who takes part.
//!
//! Whoever leaves a lease behind leaves what was in flight under it: that is given back with the
//! next call of these.

use webhook_model::{Millis, Owner};

use super::complete::give_back;
use super::job::{Outcome, Tx};

pub(super) fn enter(tx: &mut Tx<'_>, owner: &Owner, now: Millis, until: Millis) -> Outcome<()> {
    tx.queue().leases.enter(owner, now, until)?;
    give_back(tx, now).map(drop)
}

pub(super) fn renew(tx: &mut Tx<'_>, owner: &Owner, until: Millis) -> Outcome<()> {
    Ok(tx.queue().leases.renew(owner, until)?)
}

pub(super) fn leave(tx: &mut Tx<'_>, owner: &Owner, now: Millis) -> Outcome<()> {
    tx.queue().leases.leave(owner);
    give_back(tx, now).map(drop)
}

pub(super) fn recover(tx: &mut Tx<'_>, owner: &Owner, now: Millis) -> Outcome<u64> {
    tx.queue().leases.expire(owner, now);
    give_back(tx, now)
}

//! The operations on leases.
//!
//! When a lease ends without a release, the next of these calls returns its claims to the queue.

use webhook_model::{Millis, Owner};

use super::complete::return_claims;
use super::job::{FaultResult, Tx};

pub(super) fn acquire(
    tx: &mut Tx<'_>,
    owner: &Owner,
    now: Millis,
    until: Millis,
) -> FaultResult<()> {
    tx.queue().leases.acquire(owner, now, until)?;
    return_claims(tx, now).map(drop)
}

pub(super) fn renew(tx: &mut Tx<'_>, owner: &Owner, until: Millis) -> FaultResult<()> {
    Ok(tx.queue().leases.renew(owner, until)?)
}

pub(super) fn release(tx: &mut Tx<'_>, owner: &Owner, now: Millis) -> FaultResult<()> {
    tx.queue().leases.release(owner);
    return_claims(tx, now).map(drop)
}

pub(super) fn recover(tx: &mut Tx<'_>, owner: &Owner, now: Millis) -> FaultResult<u64> {
    tx.queue().leases.expire(owner, now);
    return_claims(tx, now)
}

//! The leases of owners: acquired, renewed and released.

use tokio_postgres::Row;
use webhook_model::{Millis, Owner};

use super::PostgresStore;
use super::fault::FaultResult;
use super::row::{column, millis};
use super::session::{Params, Session, query};
use super::store::call;
use crate::{Result, StoreError};

/// Locks the name's lease, so that of several processes one replaces it.
const FIND: &str =
    "SELECT key, incarnation, host, pid, until FROM owners WHERE name = $1 FOR UPDATE";

const INSERT: &str = "INSERT INTO owners (name, incarnation, host, pid, until)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING key";

const RENEW: &str = "UPDATE owners SET until = $2 WHERE incarnation = $1 RETURNING key";

const DELETE: &str = "DELETE FROM owners WHERE key = $1";

const RELEASE: &str = "DELETE FROM owners WHERE incarnation = $1 RETURNING key";

const TIME: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

impl PostgresStore {
    pub(super) async fn acquire_owner_lease(
        &self,
        owner: &Owner,
        now: Millis,
        until: Millis,
    ) -> Result<()> {
        // A lease that another process acquired meanwhile is found by the next try.
        while !call!(self, session => acquire(&session, owner, now, until).await)? {}
        self.in_flight.entered(&owner.incarnation);
        // Claims of the earlier run need not wait for the next recovery.
        self.return_orphans(now).await?;
        Ok(())
    }

    pub(super) async fn renew_owner_lease(
        &self,
        owner: &Owner,
        now: Millis,
        until: Millis,
    ) -> Result<()> {
        let renewed = call!(self, session => {
            session.rows(RENEW, &[&owner.incarnation, &until.as_i64()]).await
        })?;
        if renewed.is_empty() {
            self.in_flight.remove_owner(&owner.incarnation);
            return Err(StoreError::LeaseLost(owner.name.clone()));
        }
        self.return_lost_claims(owner, now).await
    }

    pub(super) async fn release_owner_lease(&self, owner: &Owner, now: Millis) -> Result<()> {
        call!(self, session => session.rows(RELEASE, &[&owner.incarnation]).await)?;
        self.in_flight.remove_owner(&owner.incarnation);
        self.return_orphans(now).await?;
        Ok(())
    }

    /// Returns the time by the clock of the server.
    pub(super) async fn server_time(&self) -> Result<Millis> {
        let rows = call!(self, session => session.rows(TIME, &[]).await)?;
        let time = rows.first().map_or(Ok(0), |row| column(row, 0));
        time.map(millis).map_err(|fault| self.failed(fault))
    }
}

/// Acquires a lease. Returns false if another process acquired one of the name meanwhile.
async fn acquire(
    session: &Session,
    owner: &Owner,
    now: Millis,
    until: Millis,
) -> FaultResult<bool> {
    let mut found = session.begin(&[query(FIND, &[&owner.name])]).await?;
    let found = found.pop().unwrap_or_default();
    let until = until.as_i64();
    if let Some(row) = found.first() {
        let key: i32 = column(row, 0)?;
        if column::<&str>(row, 1)? == owner.incarnation {
            session
                .commit(&[query(RENEW, &[&owner.incarnation, &until])])
                .await?;
            return Ok(true);
        }
        check_ended(row, owner, now)?;
        session.rows(DELETE, &[&key]).await?;
    }
    let pid = i64::from(owner.pid);
    let lease: Params<'_> = &[&owner.name, &owner.incarnation, &owner.host, &pid, &until];
    let inserted = session.commit(&[query(INSERT, lease)]).await?;
    Ok(inserted.iter().any(|rows| !rows.is_empty()))
}

/// Returns an error if the process of a lease may be alive.
fn check_ended(row: &Row, owner: &Owner, now: Millis) -> FaultResult<()> {
    let (host, pid, until): (&str, i64, i64) = (column(row, 2)?, column(row, 3)?, column(row, 4)?);
    let gone = owner.is_known_gone(host, u32::try_from(pid).unwrap_or(u32::MAX));
    if until <= now.as_i64() || gone {
        return Ok(());
    }
    let left_ms = millis(until).since(now).as_millis();
    Err(StoreError::NameTaken {
        name: owner.name.clone(),
        left_ms: u64::try_from(left_ms).unwrap_or(u64::MAX),
    }
    .into())
}

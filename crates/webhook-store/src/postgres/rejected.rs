//! Keeps, lists and deletes rejected events.

use tokio_postgres::Row;
use webhook_model::{Millis, Rejected, TenantId};

use super::PostgresStore;
use super::fault::{Fault, FaultResult};
use super::mark::numbers;
use super::row::{column, millis, text};
use super::session::Session;
use super::store::{AT_A_TIME, call};
use crate::{Cursor, PAGE_BYTES, Page, RejectedFilter, Result};

const REJECT: &str = "INSERT INTO rejected (id, tenant, at, source, code, reason, fields)
    SELECT n.id, t.key, n.at, n.source, n.code, n.reason, n.fields::json
    FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[],
        $7::text[]) WITH ORDINALITY n (id, tenant, at, source, code, reason, fields, number)
    LEFT JOIN tenants t ON t.id = n.tenant
    ORDER BY n.number
    ON CONFLICT (id) DO NOTHING";

const TAKE: &str = "WITH taken AS (DELETE FROM rejected WHERE id = $1 RETURNING *)
    SELECT r.at, r.key, r.id, t.id, r.source, r.code, r.reason, r.fields::text
    FROM taken r LEFT JOIN tenants t ON t.key = r.tenant";

const PRUNE: &str = "DELETE FROM rejected WHERE key IN (
        SELECT key FROM rejected WHERE at < $1 ORDER BY at, key LIMIT $2
    ) RETURNING 1";

/// Returns the statement that lists events below a position, up to one more than a page, of which the
/// page has about so many bytes. `$1` and `$2` are the position, `$3` the number, `$4` the bytes and
/// `$5` and more the values of the condition.
fn list(condition: &str) -> String {
    format!(
        "WITH listed AS (
            SELECT r.key, row_number() OVER w AS number, sum(r.size) OVER w AS bytes
            FROM (
                SELECT r.key, r.at, octet_length(r.fields::text) AS size FROM rejected r
                WHERE (r.at, r.key) < ($1, $2) AND {condition}
                ORDER BY r.at DESC, r.key DESC LIMIT $3
            ) r WINDOW w AS (ORDER BY r.at DESC, r.key DESC)
        )
        SELECT r.at, r.key, r.id, t.id, r.source, r.code, r.reason, r.fields::text,
            (SELECT count(*) FROM listed)
        FROM listed l JOIN rejected r ON r.key = l.key LEFT JOIN tenants t ON t.key = r.tenant
        WHERE l.number = 1 OR (l.bytes <= $4 AND l.number < $3)
        ORDER BY r.at DESC, r.key DESC"
    )
}

impl PostgresStore {
    pub(super) async fn keep_rejected(&self, rejected: &[Rejected]) -> Result<()> {
        if rejected.is_empty() {
            return Ok(());
        }
        call!(self, session => reject(&session, rejected).await)
    }

    pub(super) async fn list_rejected(
        &self,
        filter: &RejectedFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rejected>> {
        let below = match cursor {
            Some(cursor) => numbers('r', cursor)?,
            None => [i64::MAX; 2],
        };
        let rows = call!(self, session => page(&session, filter, below, limit).await)?;
        let read = || -> FaultResult<Page<Rejected>> {
            let items = rows.iter().map(read).collect::<FaultResult<Vec<_>>>()?;
            let more = has_more(&rows)?;
            let last = rows.last().filter(|_| more);
            let cursor = |row| -> FaultResult<Cursor> {
                let (at, key): (i64, i64) = (column(row, 0)?, column(row, 1)?);
                Ok(Cursor(format!("r{at}-{key}")))
            };
            Ok(Page {
                next_cursor: last.map(cursor).transpose()?,
                items,
            })
        };
        read().map_err(|fault| self.failed(fault))
    }

    pub(super) async fn take_rejected_event(&self, id: &str) -> Result<Option<Rejected>> {
        let rows = call!(self, session => session.rows(TAKE, &[&id.as_bytes()]).await)?;
        let taken = rows.first().map(read).transpose();
        taken.map_err(|fault| self.failed(fault))
    }

    /// Deletes a part of the events that were rejected before a moment. Returns whether there may be
    /// more.
    pub(super) async fn prune_rejected_before(&self, before: Millis) -> Result<bool> {
        let before = before.as_i64();
        let deleted = call!(self, session => session.rows(PRUNE, &[&before, &AT_A_TIME]).await)?;
        Ok(deleted.len() as i64 == AT_A_TIME)
    }
}

async fn reject(session: &Session, rejected: &[Rejected]) -> FaultResult<()> {
    let json = |one: &Rejected| Ok(serde_json::to_string(&one.fields)?);
    let fields: Vec<String> = rejected.iter().map(json).collect::<FaultResult<_>>()?;
    let source = |one: &Rejected| Ok(serde_json::to_string(&one.source)?);
    let sources: Vec<String> = rejected.iter().map(source).collect::<FaultResult<_>>()?;
    let tenant = |one: &'_ Rejected| one.tenant.as_ref().map(|id| id.as_str().to_owned());
    let tenants: Vec<Option<String>> = rejected.iter().map(tenant).collect();
    let ids: Vec<&[u8]> = rejected.iter().map(|one| one.id.as_bytes()).collect();
    let times: Vec<i64> = rejected.iter().map(|one| one.at.as_i64()).collect();
    let codes: Vec<&[u8]> = rejected.iter().map(|one| one.code.as_bytes()).collect();
    let reasons: Vec<&[u8]> = rejected.iter().map(|one| one.reason.as_bytes()).collect();
    let rows = session
        .rows(
            REJECT,
            &[&ids, &tenants, &times, &sources, &codes, &reasons, &fields],
        )
        .await;
    rows.map(drop)
}

/// Lists a tenant's events that were rejected at `from` or later, below a position, up to `count` and
/// about [`PAGE_BYTES`].
pub(super) async fn of_tenant(
    session: &Session,
    tenant: &TenantId,
    from: i64,
    [at, key]: [i64; 2],
    count: i64,
) -> FaultResult<Vec<Row>> {
    let bytes = i64::try_from(PAGE_BYTES).unwrap_or(i64::MAX);
    let condition = "r.tenant = (SELECT key FROM tenants WHERE id = $5) AND r.at >= $6";
    let tenant = tenant.as_str();
    session
        .rows(
            &list(condition),
            &[&at, &key, &count, &bytes, &tenant, &from],
        )
        .await
}

/// Returns whether there are more events behind a page.
pub(super) fn has_more(rows: &[Row]) -> FaultResult<bool> {
    let listed = rows.first().map_or(Ok(0), |row| column::<i64>(row, 8))?;
    Ok(listed > rows.len() as i64)
}

async fn page(
    session: &Session,
    filter: &RejectedFilter,
    [at, key]: [i64; 2],
    limit: usize,
) -> FaultResult<Vec<Row>> {
    let (condition, value): (&str, &[u8]) = match filter {
        RejectedFilter::All => ("$5::bytea IS NOT NULL", b""),
        RejectedFilter::Unassigned => ("r.tenant IS NULL AND $5::bytea IS NOT NULL", b""),
        RejectedFilter::Tenant(id) => (
            "r.tenant = (SELECT key FROM tenants WHERE id = convert_from($5::bytea, 'UTF8'))",
            id.as_str().as_bytes(),
        ),
        RejectedFilter::Id(id) => ("r.id = $5::bytea", id.as_bytes()),
    };
    let count = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let bytes = i64::try_from(PAGE_BYTES).unwrap_or(i64::MAX);
    session
        .rows(&list(condition), &[&at, &key, &count, &bytes, &value])
        .await
}

/// Returns a tenant's rejected event.
pub(super) async fn find(
    session: &Session,
    tenant: &TenantId,
    id: &str,
) -> FaultResult<Option<Rejected>> {
    let filter = RejectedFilter::Id(id.to_owned());
    let rows = page(session, &filter, [i64::MAX; 2], 1).await?;
    let found = rows.first().map(read).transpose()?;
    Ok(found.filter(|found| found.tenant.as_ref() == Some(tenant)))
}

pub(super) fn read(row: &Row) -> FaultResult<Rejected> {
    let tenant: Option<&str> = column(row, 3)?;
    let text = |index| column::<&[u8]>(row, index).map(text);
    Ok(Rejected {
        id: text(2)?,
        tenant: tenant
            .map(TenantId::parse)
            .transpose()
            .map_err(Fault::from)?,
        source: serde_json::from_str(column(row, 4)?)?,
        at: millis(column(row, 0)?),
        code: text(5)?,
        reason: text(6)?,
        fields: serde_json::from_str(column(row, 7)?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_list_is_invalid() {
        for bad in ["", "r", "r1", "r1-x", "r1-2-3", "d1-2", "1-2"] {
            assert!(numbers::<2>('r', &Cursor(bad.into())).is_err(), "{bad}");
        }
        assert_eq!(numbers('r', &Cursor("r1-2".into())).unwrap(), [1, 2]);
    }
}

//! Keeps and lists rejected events.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params, params_from_iter};
use webhook_model::{Rejected, TenantId};

use super::fault::Fault;
use super::job::{FaultResult, Tx};
use super::lookup;
use super::page::{Mark, page};
use super::queue::Effect;
use super::row::millis;
use crate::erasure::erase_rejected;
use crate::{Cursor, PAGE_BYTES, Page, RejectedFilter};

pub(super) const COLUMNS: &str =
    "SELECT r.at, r.key, r.id, t.id, r.source, r.code, r.reason, r.fields
    FROM rejected r LEFT JOIN tenants t ON t.key = r.tenant";

pub(super) fn reject(tx: &mut Tx<'_>, rejected: &[Rejected]) -> FaultResult<()> {
    let mut insert = tx.sql.prepare_cached(
        "INSERT INTO rejected (id, tenant, at, source, code, reason, fields)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
    )?;
    for one in rejected {
        let tenant = match &one.tenant {
            Some(id) => lookup::tenant(tx.sql, id)?.map(|(key, _)| key),
            None => None,
        };
        let source = serde_json::to_string(&one.source)?;
        let fields = serde_json::to_string(&one.fields)?;
        let row = params![
            one.id,
            tenant,
            one.at.as_i64(),
            source,
            one.code,
            one.reason,
            fields
        ];
        let new = insert.execute(row)?;
        tx.then(Effect::Counted {
            pending: 0,
            dead: new as i64,
        });
    }
    Ok(())
}

pub(super) fn list(
    sql: &Connection,
    filter: &RejectedFilter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> FaultResult<Page<Rejected>> {
    let below = Mark::below('r', cursor)?;
    let (which, value) = match filter {
        RejectedFilter::All => ("true", None),
        RejectedFilter::Tenant(id) => match lookup::tenant(sql, id)? {
            Some((tenant, _)) => ("r.tenant = ?3", Some(Value::Integer(tenant))),
            None => return Ok(page('r', Vec::new(), limit)),
        },
        RejectedFilter::Unassigned => ("r.tenant IS NULL", None),
        RejectedFilter::Id(id) => ("r.id = ?3", Some(Value::Text(id.clone()))),
    };
    let text = format!(
        "{COLUMNS} WHERE {which} AND (r.at, r.key) < (?1, ?2)
         ORDER BY r.at DESC, r.key DESC LIMIT {}",
        limit.saturating_add(1).min(i32::MAX as usize)
    );
    let values = [below.at.into(), below.key.into()].into_iter().chain(value);
    let mut found = sql.prepare_cached(&text)?;
    let mut rows = found.query(params_from_iter(values))?;
    let (mut items, mut bytes, mut limit) = (Vec::new(), 0, limit);
    while let Some(row) = rows.next()? {
        bytes += row.get_ref(7)?.as_str().map_or(0, str::len);
        if bytes > PAGE_BYTES {
            // This event is the first of the next page, unless the page is empty.
            limit = limit.min(items.len().max(1));
        }
        items.push((
            Mark {
                at: row.get(0)?,
                key: row.get(1)?,
            },
            read(row)?,
        ));
        if items.len() > limit {
            break;
        }
    }
    Ok(page('r', items, limit))
}

pub(super) fn take(tx: &mut Tx<'_>, id: &str) -> FaultResult<Option<Rejected>> {
    let text = format!("{COLUMNS} WHERE r.id = :id");
    let mut found = tx.sql.prepare_cached(&text)?;
    let taken = found
        .query_row(named_params! { ":id": id }, |row| Ok(read(row)))
        .optional()?;
    let Some(taken) = taken else { return Ok(None) };
    tx.sql
        .prepare_cached("DELETE FROM rejected WHERE id = ?1")?
        .execute([id])?;
    tx.then(Effect::Counted {
        pending: 0,
        dead: -1,
    });
    taken.map(Some)
}

/// Erases the payload of a tenant's rejected event. Returns whether it exists.
pub(super) fn erase(tx: &mut Tx<'_>, tenant: &TenantId, id: &str) -> FaultResult<bool> {
    let text = format!("{COLUMNS} WHERE r.id = :id AND t.id = :tenant");
    let mut found = tx.sql.prepare_cached(&text)?;
    let values = named_params! { ":id": id, ":tenant": tenant.as_str() };
    let rejected = found.query_row(values, |row| Ok(read(row))).optional()?;
    let Some(rejected) = rejected else {
        return Ok(false);
    };
    let mut rejected = rejected?;
    erase_rejected(&mut rejected);
    let fields = serde_json::to_string(&rejected.fields)?;
    tx.sql
        .prepare_cached("UPDATE rejected SET fields = ?2, reason = ?3 WHERE id = ?1")?
        .execute((id, fields, rejected.reason))?;
    Ok(true)
}

pub(super) fn read(row: &Row<'_>) -> Result<Rejected, Fault> {
    let tenant: Option<String> = row.get(3)?;
    let text = |column| {
        Ok::<_, Fault>(
            row.get_ref(column)?
                .as_str()
                .map_err(rusqlite::Error::from)?,
        )
    };
    Ok(Rejected {
        id: row.get(2)?,
        tenant: tenant.map(TenantId::try_from).transpose()?,
        source: serde_json::from_str(text(4)?)?,
        at: millis(row.get(0)?),
        code: row.get(5)?,
        reason: row.get(6)?,
        fields: serde_json::from_str(text(7)?)?,
    })
}

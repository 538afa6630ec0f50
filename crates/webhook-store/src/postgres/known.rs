//! Comparison of events with the stored ones of their ids.

use webhook_model::{Event, TenantId};

use super::fault::FaultResult;
use super::row::column;
use super::session::Session;

/// Compares events with the stored ones. An erased event, whose data is empty, equals any other. Returns no
/// row for an id that is not stored.
const COMPARE: &str = "SELECT n.number,
        octet_length(e.data) = 0 OR (e.kind = n.kind AND e.data = n.data)
    FROM tenants t
    CROSS JOIN unnest($2::text[], $3::text[], $4::bytea[]) WITH ORDINALITY n (id, kind, data, number)
    CROSS JOIN LATERAL (
        SELECT e.kind, e.data FROM events e WHERE e.tenant = t.key AND e.id = n.id OFFSET 0
    ) e
    WHERE t.id = $1";

/// Returns for each event whether the stored one of its id has the same type and data; `None` if there
/// is none.
pub(super) async fn compare(
    session: &Session,
    tenant: &TenantId,
    events: &[&Event],
) -> FaultResult<Vec<Option<bool>>> {
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| &*event.kind).collect();
    let data: Vec<&[u8]> = events.iter().map(|event| &event.data[..]).collect();
    let rows = session
        .rows(COMPARE, &[&tenant.as_str(), &ids, &kinds, &data])
        .await?;
    let mut same = vec![None; events.len()];
    for row in &rows {
        let number: i64 = column(row, 0)?;
        let index = usize::try_from(number)
            .unwrap_or_default()
            .saturating_sub(1);
        if let Some(one) = same.get_mut(index) {
            *one = Some(column(row, 1)?);
        }
    }
    Ok(same)
}

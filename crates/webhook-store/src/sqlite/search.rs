//! Searches for the deliveries that match a filter.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use webhook_model::{DeliveryState, Millis, TenantId};

use super::job::FaultResult;
use super::page::Mark;
use super::queue::Shared;
use super::{candidates, lookup};
use crate::{DeliveryFilter, MAX_EXAMINED, StatusFilter};

/// A filter whose ids are resolved to keys. Callers check the state: the database does not record
/// which deliveries are in flight.
pub(super) struct Search {
    tenant: i64,
    endpoint: Option<i64>,
    from: i64,
    to: i64,
    /// The only candidates, if the filter names a delivery or an event.
    pub only: Option<Vec<i64>>,
    /// The type of the event.
    kind: Option<String>,
    /// The first and the last status of the last attempt; 0 stands for none.
    statuses: Option<(i64, i64)>,
    /// True if only dead deliveries match, which have an index.
    dead: bool,
    /// True if only deliveries match whose last attempt failed, which have an index.
    failed: bool,
}

/// The deliveries that a search has found, in its order.
pub(super) struct Found {
    pub marks: Vec<Mark>,
    /// The position at which the search stopped, because it had examined as many rows as a call may.
    /// `None` at the end of the list, or if it has found as many as were wanted.
    pub reached: Option<Mark>,
}

/// The work of a call: as many steps as it takes to read [`MAX_EXAMINED`] rows.
const MAX_STEPS: usize = MAX_EXAMINED * STEPS_OF_ROW;

/// The cost of reading a row, in that of passing an entry of an index.
const STEPS_OF_ROW: usize = 16;

/// The order of a search, and its start.
#[derive(Clone, Copy)]
pub(super) enum From {
    /// Below a mark, the newest first.
    Newest(Mark),
    /// Above a mark, the oldest first.
    Oldest(Mark),
}

impl Search {
    /// Returns `None` if the filter names a tenant or an endpoint that does not exist.
    pub fn new(
        sql: &Connection,
        shared: &Shared,
        tenant: &TenantId,
        filter: &DeliveryFilter,
    ) -> FaultResult<Option<Self>> {
        let Some((tenant, _)) = lookup::tenant(sql, tenant)? else {
            return Ok(None);
        };
        let endpoint = match &filter.endpoint {
            None => None,
            Some(id) => match lookup::endpoint(sql, tenant, id)? {
                None => return Ok(None),
                found => found,
            },
        };
        let statuses = filter.status.map(StatusFilter::range);
        let moment = |at: Option<Millis>, open| at.map_or(open, Millis::as_i64);
        Ok(Some(Self {
            tenant,
            endpoint,
            from: moment(filter.from, i64::MIN),
            to: moment(filter.to, i64::MAX),
            only: candidates::of_filter(sql, shared, tenant, filter)?,
            kind: filter.kind.clone(),
            statuses: statuses.map(|(first, last)| (first.into(), last.into())),
            dead: filter.state == Some(DeliveryState::Dead),
            failed: statuses.is_some_and(|(first, last)| last < 200 || first > 299),
        }))
    }

    /// Returns up to `count` matching deliveries for which `keep` is true, or those among the rows that
    /// a call may examine. `keep` receives the sequence number and the stored state.
    pub fn scan(
        &self,
        sql: &Connection,
        from: From,
        count: usize,
        keep: impl Fn(i64, i64) -> bool,
    ) -> FaultResult<Found> {
        let mut found = sql.prepare_cached(&self.statement(from))?;
        let (From::Newest(mark) | From::Oldest(mark)) = from;
        let values = [self.tenant, self.from, self.to, mark.at, mark.key];
        let values = values.into_iter().map(Value::Integer);
        let mut rows = found.query(params_from_iter(values.chain(self.conditions())))?;
        let (mut marks, mut left) = (Vec::new(), MAX_STEPS);
        while let (true, Some(row)) = (marks.len() < count, rows.next()?) {
            let mark = Mark {
                at: row.get(0)?,
                key: row.get(1)?,
            };
            // The columns of the row are null, and the row is not read, if the index decides.
            let row: Option<(i64, i64)> = row
                .get::<_, Option<i64>>(2)?
                .map(|state| Ok::<_, rusqlite::Error>((state, row.get(3)?)))
                .transpose()?;
            let is_read = row.is_some() || self.has_status_outside_of_index();
            left -= if is_read { STEPS_OF_ROW } else { 1 }.min(left);
            if let Some((state, event)) = row
                && keep(mark.key, state)
                && self.has_kind(sql, event)?
            {
                marks.push(mark);
            }
            if left == 0 {
                let reached = Some(mark);
                return Ok(Found { marks, reached });
            }
        }
        Ok(Found {
            marks,
            reached: None,
        })
    }

    /// Returns whether rows must be read to decide whether their status matches.
    fn has_status_outside_of_index(&self) -> bool {
        self.statuses.is_some() && (self.dead || !self.failed)
    }

    fn statement(&self, from: From) -> String {
        let (index, condition) = if self.dead {
            ("deliveries_dead", "AND state = 3")
        } else if self.failed {
            ("deliveries_failed", "AND status NOT BETWEEN 200 AND 299")
        } else {
            ("deliveries_by_tenant", "")
        };
        let (side, order) = match from {
            From::Newest(_) => ("<", "DESC"),
            From::Oldest(_) => (">", "ASC"),
        };
        let selected = "CASE WHEN (?6 IS NULL OR endpoint = ?6)
            AND (?7 IS NULL OR status BETWEEN ?7 AND ?8) THEN";
        format!(
            "SELECT created_at, seq, {selected} state END, {selected} event END
             FROM deliveries INDEXED BY {index}
             WHERE tenant = ?1 AND created_at >= ?2 AND created_at < ?3
                 AND (created_at, seq) {side} (?4, ?5) {condition}
             ORDER BY created_at {order}, seq {order}"
        )
    }

    /// Returns the endpoint, and the first and the last status, that a delivery must have.
    fn conditions(&self) -> [Value; 3] {
        let value = |number: Option<i64>| number.map_or(Value::Null, Value::Integer);
        let (first, last) = self.statuses.unzip();
        [value(self.endpoint), value(first), value(last)]
    }

    /// Returns whether an event has the type that the filter names.
    fn has_kind(&self, sql: &Connection, event: i64) -> FaultResult<bool> {
        let Some(kind) = &self.kind else {
            return Ok(true);
        };
        let mut found = sql.prepare_cached("SELECT 1 FROM events WHERE key = ?1 AND kind = ?2")?;
        Ok(found.exists((event, kind))?)
    }

    /// Returns up to `count` matching deliveries of `seqs`, in the order of [`From`].
    pub fn pick(
        &self,
        sql: &Connection,
        seqs: &[i64],
        from: From,
        count: usize,
        keep: impl Fn(i64, i64) -> bool,
    ) -> FaultResult<Found> {
        let mut marks = Vec::new();
        for seq in seqs {
            marks.extend(self.check(sql, *seq, &keep)?);
        }
        match from {
            From::Newest(below) => {
                marks.retain(|mark| *mark < below);
                marks.sort_unstable_by(|a, b| b.cmp(a));
            }
            From::Oldest(above) => {
                marks.retain(|mark| *mark > above);
                marks.sort_unstable();
            }
        }
        marks.truncate(count);
        Ok(Found {
            marks,
            reached: None,
        })
    }

    fn check(
        &self,
        sql: &Connection,
        seq: i64,
        keep: impl Fn(i64, i64) -> bool,
    ) -> FaultResult<Option<Mark>> {
        let mut found = sql.prepare_cached(
            "SELECT created_at, state, event FROM deliveries WHERE seq = ?1 AND tenant = ?2
             AND created_at >= ?3 AND created_at < ?4 AND (?5 IS NULL OR endpoint = ?5)
             AND (?6 IS NULL OR status BETWEEN ?6 AND ?7)",
        )?;
        let values = [seq, self.tenant, self.from, self.to];
        let values = values.into_iter().map(Value::Integer);
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let row = found.query_row(params_from_iter(values.chain(self.conditions())), read);
        let Some((at, state, event)) = row.optional()? else {
            return Ok(None);
        };
        let matches = keep(seq, state) && self.has_kind(sql, event)?;
        Ok(matches.then_some(Mark { at, key: seq }))
    }

    /// Returns the sequence numbers of all deliveries that are pending on the disk.
    pub fn pending(&self, sql: &Connection) -> FaultResult<Vec<i64>> {
        let mut found = sql.prepare_cached(
            "SELECT d.seq FROM endpoints p
             CROSS JOIN deliveries d INDEXED BY deliveries_due ON d.endpoint = p.key AND d.state = 0
             WHERE p.tenant = ?1 AND (?2 IS NULL OR p.key = ?2)
             UNION ALL
             SELECT d.seq FROM endpoints p
             CROSS JOIN deliveries d INDEXED BY deliveries_chained
                 ON d.endpoint = p.key AND d.chain IS NOT NULL AND d.state < 2 AND d.state = 1
             WHERE p.tenant = ?1 AND (?2 IS NULL OR p.key = ?2)",
        )?;
        let rows = found.query_map((self.tenant, self.endpoint), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::super::open::MIGRATIONS;
    use super::*;

    /// Returns a database with `count` succeeded deliveries of tenant `acme`, the first of which has another
    /// type, endpoint and status.
    fn database(count: i64) -> Connection {
        let sql = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            sql.execute_batch(migration).unwrap();
        }
        sql.execute_batch(
            "INSERT INTO tenants VALUES (1, 'acme', 1);
             INSERT INTO endpoints VALUES (1, 1, 'orders', '{}', 1, 1, NULL), (2, 1, 'rare', '{}', 1, 1, NULL)",
        )
        .unwrap();
        let numbers =
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)";
        let events = "INSERT INTO events SELECT 2 * n, n, 1, 1, n, 0, n,
            CASE n WHEN 1 THEN 'rare' ELSE 'a.b' END, NULL, '1', 'api', NULL FROM n";
        let deliveries = "INSERT INTO deliveries
            (seq, tenant, endpoint, event, state, at, created_at, made, id, status)
            SELECT 2 * n + 1, 1, CASE n WHEN 1 THEN 2 ELSE 1 END, 2 * n, 2, n, n, 1, n,
                CASE n WHEN 1 THEN 500 ELSE 200 END FROM n";
        for insert in [events, deliveries] {
            sql.execute(&format!("{numbers} {insert}"), [count])
                .unwrap();
        }
        sql
    }

    /// Searches from the newest on. Returns the result, and the steps of SQLite's machine.
    fn search(sql: &Connection, filter: &DeliveryFilter) -> (Found, i32) {
        let (shared, acme) = (Shared::default(), TenantId::parse("acme").unwrap());
        let search = Search::new(sql, &shared, &acme, filter).unwrap().unwrap();
        let from = From::Newest(Mark::TOP);
        let statement = sql.prepare_cached(&search.statement(from)).unwrap();
        statement.reset_status(StatementStatus::VmStep);
        drop(statement);
        let found = search.scan(sql, from, 51, |_, _| true).unwrap();
        let statement = sql.prepare_cached(&search.statement(from)).unwrap();
        (found, statement.get_status(StatementStatus::VmStep))
    }

    #[test]
    fn a_page_without_matches_costs_as_much_among_many_as_among_few() {
        let (few, many) = (database(4_000), database(16_000));
        let of_rare_type = DeliveryFilter {
            kind: Some("rare".into()),
            ..DeliveryFilter::default()
        };
        let of_rare_success = DeliveryFilter {
            status: Some(StatusFilter::Code(202)),
            ..DeliveryFilter::default()
        };
        for filter in [of_rare_type, of_rare_success] {
            let (some, few_steps) = search(&few, &filter);
            let (found, many_steps) = search(&many, &filter);
            assert_eq!((some.marks.len(), found.marks.len()), (0, 0));
            assert!(some.reached.is_some() && found.reached.is_some());
            assert!(
                few_steps > 0 && many_steps <= few_steps + 100,
                "{filter:?}: {few_steps}, {many_steps}"
            );
        }
    }

    #[test]
    fn the_index_finds_deliveries_of_an_endpoint_and_failed_ones() {
        // Fewer entries than a call passes.
        let count = MAX_STEPS / 2;
        let sql = database(count as i64);
        let of_endpoint = DeliveryFilter {
            endpoint: Some(webhook_model::EndpointId::parse("rare").unwrap()),
            ..DeliveryFilter::default()
        };
        let failed = DeliveryFilter {
            status: Some(StatusFilter::Class(5)),
            ..DeliveryFilter::default()
        };
        // A few steps for each entry of the index, and for one entry.
        for (filter, most) in [(of_endpoint, 20 * count as i32), (failed, 200)] {
            let (found, steps) = search(&sql, &filter);
            assert_eq!((found.marks.len(), found.reached), (1, None));
            assert!(steps < most, "{steps}");
        }
    }
}

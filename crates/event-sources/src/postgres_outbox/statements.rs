//! The statements on the table of an outbox, whose quoted name is a part of their text.

/// The most rows that are counted.
pub(super) const MAX_LAG: u64 = 100_000;

/// The most characters of a text that are read: more than any valid one has.
const MAX_TEXT: usize = 1024;

/// Reads rows between the bounds `$1` and `$2`, in order: at most `$3`, and as many as fit into `$5` bytes
/// or one. Of larger data than `$4` bytes, no more is read.
///
/// Rows that were read before are not looked at, since the gaps are between them.
pub(super) fn read(table: &str) -> String {
    format!(
        "WITH free AS MATERIALIZED (
            SELECT r.id FROM unnest($1::bigint[], $2::bigint[]) g (low, high)
            CROSS JOIN LATERAL (
                SELECT o.id FROM {table} o WHERE o.id > g.low AND o.id < g.high
                ORDER BY o.id LIMIT $3::bigint
            ) r ORDER BY r.id LIMIT $3::bigint
        ), sized AS (
            SELECT o.*, d.bytes, row_number() OVER w AS number,
                sum(least(d.bytes, $4::integer) + {MAX_TEXT}) OVER w AS total
            FROM free f JOIN {table} o ON o.id = f.id
            CROSS JOIN LATERAL (SELECT octet_length(o.data::text) AS bytes OFFSET 0) d
            WINDOW w AS (ORDER BY o.id)
        )
        SELECT id::bigint, left(tenant::text, {MAX_TEXT}), left(type::text, {MAX_TEXT}),
            left(event_id::text, {MAX_TEXT}), left(ordering_key::text, {MAX_TEXT}),
            to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
            bytes, CASE WHEN bytes > $4 THEN substring(convert_to(data::text, 'UTF8') FROM 1 FOR $4)
                ELSE convert_to(data::text, 'UTF8') END
        FROM sized WHERE number = 1 OR total <= $5::bigint ORDER BY id"
    )
}

/// Removes the rows `$1`, except those that others have locked, and returns these.
pub(super) fn remove(table: &str) -> String {
    format!(
        "WITH gone AS (
            DELETE FROM {table} WHERE id = ANY(ARRAY(
                SELECT id FROM {table} WHERE id = ANY($1::bigint[]) FOR UPDATE SKIP LOCKED
            )) RETURNING id
        )
        SELECT o.id::bigint FROM {table} o
        WHERE o.id = ANY($1::bigint[]) AND NOT o.id = ANY(ARRAY(SELECT id FROM gone))"
    )
}

pub(super) fn last_id(table: &str) -> String {
    format!("SELECT max(id)::bigint FROM {table}")
}

pub(super) fn count(table: &str) -> String {
    format!("SELECT count(*) FROM (SELECT FROM {table} LIMIT {MAX_LAG}) o")
}

//! The table of an outbox: its name, and the statements that create it.

use std::fmt;

/// The longest name in PostgreSQL.
const MAX_NAME_BYTES: usize = 63;

/// The name of the trigger and of its function.
pub(super) const TRIGGER: &str = "webhook_outbox_notify";

/// The first half of the key of the lock that a waiting reader holds. The second half is the table.
pub(super) const WAITING: i32 = 0x7768_6f62;

/// The first half of the key of the lock that the reader of a table holds.
pub(super) const READING: i32 = 0x7768_6f72;

/// A table by its schema and its name. Displays as in SQL, with quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    schema: String,
    name: String,
}

/// The reason why a text is no name of a table or a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not 1 to {MAX_NAME_BYTES} bytes without control characters")]
pub struct NameError(String);

impl Table {
    /// The schema of a table whose schema is not named.
    pub const SCHEMA: &str = "public";

    /// The name of a table that is not named.
    pub const NAME: &str = "webhook_outbox";

    /// Checks names, which are taken as they are: upper case, spaces and quotes are part of them.
    ///
    /// # Errors
    ///
    /// A [`NameError`].
    pub fn new(schema: &str, name: &str) -> Result<Self, NameError> {
        Ok(Self {
            schema: checked(schema)?,
            name: checked(name)?,
        })
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the command that prints [`Table::ddl`].
    pub fn ddl_command(&self) -> String {
        let mut command = "webhook-sender outbox ddl".to_owned();
        for (option, name, default) in [
            ("--schema", &self.schema, Self::SCHEMA),
            ("--table", &self.name, Self::NAME),
        ] {
            if name != default {
                command = format!("{command} {option} '{}'", name.replace('\'', r"'\''"));
            }
        }
        command
    }

    /// Returns the statements that create the table, its index and its trigger. They may be run again.
    pub fn ddl(&self) -> String {
        let schema = quoted(&self.schema);
        format!(
            "\
-- An outbox: each row that is committed becomes an event. The schema must exist.
CREATE TABLE IF NOT EXISTS {self} (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant       text,                 -- may be null if the source has a tenant
    type         text NOT NULL,
    data         json NOT NULL,        -- json keeps the bytes; jsonb does not
    event_id     text,                 -- by default derived from the row
    ordering_key text,
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- Wakes a sender that waits for rows. While it waits, it holds the lock of the condition alone. While it is
-- busy, nothing is notified: a notification makes commits wait for one another.
CREATE OR REPLACE FUNCTION {schema}.{TRIGGER}() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF NOT pg_catalog.pg_try_advisory_xact_lock_shared({WAITING}, TG_RELID::pg_catalog.int4) THEN
        PERFORM pg_catalog.pg_notify('webhook_outbox_' || TG_RELID, '');
    END IF;
    RETURN NULL;
END
$function$;

CREATE OR REPLACE TRIGGER {TRIGGER} AFTER INSERT ON {self}
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.{TRIGGER}();
"
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}

fn checked(name: &str) -> Result<String, NameError> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.contains(char::is_control);
    if fits {
        Ok(name.to_owned())
    } else {
        Err(NameError(name.chars().take(80).collect()))
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        let table = Table::new("Sales", "web\"hooks").unwrap();
        assert_eq!(table.to_string(), r#""Sales"."web""hooks""#);
        assert_eq!(
            table.ddl_command(),
            "webhook-sender outbox ddl --schema 'Sales' --table 'web\"hooks'"
        );
        let default = Table::new(Table::SCHEMA, Table::NAME).unwrap();
        assert_eq!(default.ddl_command(), "webhook-sender outbox ddl");
    }

    #[test]
    fn a_name_that_postgresql_would_cut_is_rejected() {
        for bad in ["", "a\nb", &"x".repeat(64)] {
            assert!(Table::new("public", bad).is_err(), "{bad}");
        }
        Table::new("public", &"x".repeat(63)).unwrap();
    }
}

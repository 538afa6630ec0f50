//! The SQLite database.

use serde_json::{Map, Value as Json, json};
use spin_sdk::sqlite::{Connection, Error, QueryResult, Value};

use crate::call::{Call, Usage};
use crate::reply::{Outcome, Reply};
use crate::variant;

const BENCH_SETUP: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS bench (id INTEGER PRIMARY KEY, url TEXT NOT NULL)",
    "DELETE FROM bench",
    "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 10) \
     INSERT INTO bench SELECT id, 'http://127.0.0.1/' || id FROM n",
];
const BENCH: &str = "SELECT id, url FROM bench";

pub fn reply(operation: &str, call: &Call) -> Outcome {
    let database = call.parameter("db").unwrap_or("default");
    let result = match operation {
        "open" => Connection::open(database).map(|_| Json::Null),
        "execute" => execute(database, call)?,
        "open-many" => Ok(open_many(database, call.number("count")?)),
        "bench-setup" => bench_setup(),
        "bench" => run("default", BENCH, &[]),
        _ => return Err(format!("there is no `{operation}` of a database")),
    };
    Ok(match result {
        Ok(value) => Reply::ok(value),
        Err(error) => Reply::json(&variant::of_sqlite(&error)),
    })
}

fn execute(database: &str, call: &Call) -> Result<Result<Json, Error>, Usage> {
    let body: Json = serde_json::from_slice(&call.body()?).map_err(|error| error.to_string())?;
    let statement = body["statement"]
        .as_str()
        .ok_or("the body has no `statement`")?;
    let parameters = match &body["parameters"] {
        Json::Null => Vec::new(),
        Json::Array(list) => list.iter().map(parameter).collect::<Result<_, _>>()?,
        other => return Err(format!("`{other}` is not a list of parameters")),
    };
    Ok(run(database, statement, &parameters))
}

fn run(database: &str, statement: &str, parameters: &[Value]) -> Result<Json, Error> {
    let result = Connection::open(database)?.execute(statement, parameters)?;
    Ok(table(&result))
}

fn bench_setup() -> Result<Json, Error> {
    let connection = Connection::open_default()?;
    for statement in BENCH_SETUP {
        connection.execute(statement, &[])?;
    }
    Ok(Json::Null)
}

/// Returns the number of connections that could be opened, and the error of the next one.
fn open_many(database: &str, count: usize) -> Json {
    let mut held = Vec::new();
    for _ in 0..count {
        match Connection::open(database) {
            Ok(connection) => held.push(connection),
            Err(error) => {
                return json!({ "opened": held.len(), "then": variant::of_sqlite(&error) });
            }
        }
    }
    json!({ "opened": held.len() })
}

/// Reads a parameter: `{"integer": 1}`, `{"real": 1.5}`, `{"text": "a"}`, `{"blob": [1, 2]}`, `{"null": null}`.
fn parameter(json: &Json) -> Result<Value, Usage> {
    let wrong = || format!("`{json}` is not a parameter");
    let members = json.as_object().filter(|members| members.len() == 1);
    let (kind, value) = members.and_then(single).ok_or_else(wrong)?;
    let value = match kind {
        "integer" => value.as_i64().map(Value::Integer),
        "real" => value.as_f64().map(Value::Real),
        "text" => value.as_str().map(|text| Value::Text(text.to_owned())),
        "blob" => value
            .as_array()
            .and_then(|list| bytes(list))
            .map(Value::Blob),
        "null" => value.as_null().map(|()| Value::Null),
        _ => None,
    };
    value.ok_or_else(wrong)
}

fn single(members: &Map<String, Json>) -> Option<(&str, &Json)> {
    members
        .iter()
        .next()
        .map(|(kind, value)| (kind.as_str(), value))
}

fn bytes(list: &[Json]) -> Option<Vec<u8>> {
    list.iter()
        .map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok()))
        .collect()
}

fn table(result: &QueryResult) -> Json {
    let rows = result.rows.iter();
    let rows: Vec<Vec<Json>> = rows
        .map(|row| row.values.iter().map(cell).collect())
        .collect();
    json!({ "columns": result.columns, "rows": rows })
}

/// Formats a value like [`parameter`].
fn cell(value: &Value) -> Json {
    match value {
        Value::Integer(number) => json!({ "integer": number }),
        Value::Real(number) => json!({ "real": number }),
        Value::Text(text) => json!({ "text": text }),
        Value::Blob(bytes) => json!({ "blob": bytes }),
        Value::Null => json!({ "null": null }),
    }
}

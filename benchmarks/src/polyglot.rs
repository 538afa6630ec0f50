//! Requests per second of the consumers in each language, with the same component.

use test_support::{App, Runtime, components};

use crate::load::requests_per_second;
use crate::runtime::{OPEN, set_key, signed_webhook};
use crate::runtimes;
use crate::table::{Table, verdict};

/// The consumers in other languages: their folders in `examples/`, and their languages.
const EXAMPLES: [(&str, &str); 2] = [
    ("consumer-python", "Python"),
    ("consumer-javascript", "JavaScript"),
];

/// The minimum ratio of the rate of the consumer in Rust to that of the consumer in `BARRED`.
const BAR: f64 = 10.0;
const BARRED: &str = "consumer-python";

pub async fn measure() -> anyhow::Result<Table> {
    let runtimes = runtimes::all()?;
    let mut columns = vec!["verified by the consumer in".to_owned()];
    for runtime in &runtimes {
        columns.push(runtime.name().to_owned());
        columns.push("Rust is faster by".to_owned());
        columns.push("bar".to_owned());
    }
    let columns: Vec<_> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(
        "Verified webhooks a second, eight clients",
        format!(
            "1 KiB, scheme `plain`, a fresh instance a request. The consumers call the same \
             component for the signature; `make build-examples` builds those in other languages. \
             The bar: Rust is {BAR} × as fast as Python."
        ),
        &columns,
    );
    let mut rates = Vec::new();
    for runtime in &runtimes {
        let consumer = App::from(components::consumer());
        rates.push(verified_per_second(consumer, runtime).await?);
    }
    let rust = rates
        .iter()
        .flat_map(|rate| [format!("{rate:.0}"), "–".to_owned(), verdict(None)]);
    table.row(["Rust".to_owned()].into_iter().chain(rust).collect());
    for (folder, language) in EXAMPLES {
        let mut cells = vec![language.to_owned()];
        for (runtime, rust) in runtimes.iter().zip(&rates) {
            cells.extend(against(folder, runtime, *rust).await?);
        }
        table.row(cells);
    }
    Ok(table)
}

/// Returns the cells of an example: its rate, the ratio of the rate of the consumer in Rust to it, and
/// the verdict.
async fn against(folder: &str, runtime: &Runtime, rust: f64) -> anyhow::Result<[String; 3]> {
    let root = components::root();
    if !root
        .join("target/examples")
        .join(folder)
        .join("app.wasm")
        .is_file()
    {
        return Ok(["not built".to_owned(), "–".to_owned(), verdict(None)]);
    }
    let app = App::from(root.join("examples").join(folder));
    let rate = verified_per_second(app, runtime).await?;
    let times = rust / rate;
    let bar = verdict((folder == BARRED).then_some(times >= BAR));
    Ok([format!("{rate:.0}"), format!("{times:.1} ×"), bar])
}

async fn verified_per_second(app: App, runtime: &Runtime) -> anyhow::Result<f64> {
    let app = app.args(["--quiet"]).args(OPEN).start(runtime).await;
    set_key(&app).await;
    requests_per_second(&app.address().to_string(), &signed_webhook()).await
}

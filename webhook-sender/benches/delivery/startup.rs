//! The effect of many endpoints of one tenant on start, reload and `check`.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::for_each_store;
use crate::sender::{Sender, Setting, Store, TIMEOUT};
use crate::tables::Table;

const FEW: usize = 1000;
const MANY: usize = 10 * FEW;

/// Seconds.
struct Run {
    check: f64,
    first_start: f64,
    start: f64,
    reload: f64,
}

type Seconds = fn(&Run) -> f64;

pub async fn measure() -> Result<Table> {
    let few = for_each_store(|store| run(store, FEW)).await?;
    let many = for_each_store(|store| run(store, MANY)).await?;
    let mut rows = vec![Store::head()];
    let steps: [(&str, Seconds); 4] = [
        ("`check`", |run| run.check),
        ("first start", |run| run.first_start),
        ("start, nothing changed", |run| run.start),
        ("reload, nothing changed", |run| run.reload),
    ];
    for (step, seconds) in steps {
        let cell = |(few, many): (&Run, &Run)| {
            let (few, many) = (seconds(few), seconds(many));
            format!("{many:.2} s, {:.1} times", many / few)
        };
        let cells = few.iter().zip(&many).map(cell);
        rows.push(std::iter::once(step.to_owned()).chain(cells).collect());
    }
    Ok(Table {
        heading: "10,000 endpoints of one tenant",
        note: "Until the API responds, or the log says that the file is applied; and how many times \
               that is what 1,000 endpoints take, which is 10 where the cost is linear.",
        rows,
    })
}

async fn run(store: Store, endpoints: usize) -> Result<Run> {
    let setting = Setting::new(store, &declared(endpoints)?).await?;
    let began = Instant::now();
    check(&setting)?;
    let checked = began.elapsed();
    let (first_start, sender) = start(&setting)?;
    sender.kill()?;
    let (started, sender) = start(&setting)?;
    let began = Instant::now();
    sender.reload()?;
    while !setting.log()?.contains("configuration applied") {
        ensure!(began.elapsed() < TIMEOUT, "the file was not applied");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Ok(Run {
        check: checked.as_secs_f64(),
        first_start,
        start: started,
        reload: began.elapsed().as_secs_f64(),
    })
}

fn start(setting: &Setting) -> Result<(f64, Sender)> {
    let began = Instant::now();
    let sender = setting.start()?;
    Ok((began.elapsed().as_secs_f64(), sender))
}

fn check(setting: &Setting) -> Result<()> {
    let checked = Command::new(env!("CARGO_BIN_EXE_webhook-sender"))
        .args(["check", "--config", "sender.toml"])
        .current_dir(setting.folder())
        .stdout(Stdio::null())
        .status()?;
    ensure!(checked.success(), "the file is refused");
    Ok(())
}

fn declared(endpoints: usize) -> Result<String> {
    let mut config = format!("[limits]\nendpoints = {endpoints}\n[[tenant]]\nid = \"acme\"\n");
    for endpoint in 0..endpoints {
        write!(
            config,
            "[[tenant.endpoint]]\nid = \"e{endpoint}\"\nurl = \"https://example.com/{endpoint}\"\n\
             events = [\"e{endpoint}.*\"]\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n"
        )?;
    }
    Ok(config)
}

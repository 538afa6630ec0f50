//! The cost of many endpoints compared with one.

use std::fmt::Write as _;

use anyhow::Result;

use crate::backlog::{self, Run};
use crate::publish::Batch;
use crate::receiver::Receiver;
use crate::sender::{Setting, Store};
use crate::tables::Table;
use crate::{BACKLOG, for_each_store};

const TENANTS: usize = 100;
const ENDPOINTS_EACH: usize = 10;

pub async fn measure(receiver: &Receiver) -> Result<Table> {
    let one = for_each_store(|store| spread(receiver, store, 1, 1)).await?;
    let many = for_each_store(|store| spread(receiver, store, TENANTS, ENDPOINTS_EACH)).await?;
    let rate = |run: &Run| format!("{:.0}", run.rate);
    let share = |(one, many): (&Run, &Run)| format!("{:.0} %", 100.0 * many.rate / one.rate);
    let row = |name: &str, cells: Vec<String>| [vec![name.to_owned()], cells].concat();
    Ok(Table {
        heading: "1,000 endpoints over 100 tenants",
        note: "The same backlog, each event for one of the endpoints; deliveries a second.",
        rows: vec![
            Store::head(),
            row("one endpoint", one.iter().map(rate).collect()),
            row("1,000 endpoints", many.iter().map(rate).collect()),
            row(
                "of one endpoint's",
                one.iter().zip(&many).map(share).collect(),
            ),
        ],
    })
}

async fn spread(
    receiver: &Receiver,
    store: Store,
    tenants: usize,
    endpoints: usize,
) -> Result<Run> {
    let path = if store.has_stream() { "/now" } else { "/gated" };
    let mut config = String::new();
    for tenant in 0..tenants {
        write!(config, "[[tenant]]\nid = \"t{tenant}\"\n")?;
        for endpoint in 0..endpoints {
            let url = receiver.url(&format!("{path}/{tenant}/{endpoint}"));
            write!(
                config,
                "[[tenant.endpoint]]\nid = \"e{endpoint}\"\nurl = \"{url}\"\n\
                 events = [\"e{endpoint}.*\"]\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n"
            )?;
        }
    }
    let spread = Batch {
        from: 0,
        to: BACKLOG,
        tenant: |number| format!("t{}", number % TENANTS),
        kind: |number| format!("e{}.x", number / TENANTS % ENDPOINTS_EACH),
    };
    let single = Batch {
        tenant: |_| "t0".into(),
        kind: |_| "e0.x".into(),
        ..spread
    };
    let batch = if tenants == 1 { single } else { spread };
    backlog::run(receiver, &Setting::new(store, &config).await?, store, batch).await
}

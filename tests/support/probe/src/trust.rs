//! A PostgreSQL server whose certificate authority the guest names: version 4.1 of the interface, which the
//! SDK does not have.

use serde_json::Value;

use self::bindings::spin::postgres::postgres::ConnectionBuilder;
use crate::call::Call;
use crate::postgres::failed;
use crate::reply::{Outcome, Reply};

#[allow(unsafe_code)] // generated code uses pointers and lengths for the canonical ABI
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package signed-webhooks:probe;
            world probe {
                import spin:postgres/postgres@4.1.0;
            }
        ",
        path: "../../../wit/spin/deps/spin-postgres-4.wit",
        generate_all,
    });
}

/// Connects to the server, and trusts the authorities in the body, in PEM.
pub fn open(call: &Call) -> Outcome {
    let address = call.required("address")?;
    let authorities = call.body_text()?;
    let builder = ConnectionBuilder::new(address);
    let connected = builder
        .set_ca_root(&authorities)
        .and_then(|()| builder.build());
    Ok(connected.map_or_else(|error| failed(&error), |_| Reply::ok(Value::Null)))
}

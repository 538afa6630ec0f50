//! Spin's outbound Redis, as a [`Stream`].

use spin_sdk::redis::{Connection, Error, RedisParameter};

use super::Spin;
use crate::platform::Stream;

impl Stream for Spin {
    fn append(&self, address: &str, name: &str, fields: &[(&str, &[u8])]) -> Result<(), String> {
        let mut arguments = vec![binary(name.as_bytes()), binary(b"*")];
        for (name, value) in fields {
            arguments.extend([binary(name.as_bytes()), binary(value)]);
        }
        run(address, "XADD", &arguments)
    }

    fn ping(&self, address: &str) -> Result<(), String> {
        run(address, "PING", &[])
    }
}

fn binary(bytes: &[u8]) -> RedisParameter {
    RedisParameter::Binary(bytes.to_vec())
}

fn run(address: &str, command: &str, arguments: &[RedisParameter]) -> Result<(), String> {
    let connection = Connection::open(address).map_err(|error| kind(&error))?;
    let ran = connection.execute(command, arguments);
    ran.map(|_| ()).map_err(|error| kind(&error))
}

fn kind(error: &Error) -> String {
    match error {
        Error::InvalidAddress => "the address is invalid or not allowed".to_owned(),
        Error::TooManyConnections => "the runtime's limit of connections is reached".to_owned(),
        Error::TypeError => "the reply has an unexpected type".to_owned(),
        Error::Other(reason) => reason.clone(),
    }
}

//! The message and the keys of all comparisons between schemes.

use webhook_signature::Scheme;

/// A body of 1 KiB.
pub const BODY: &[u8] = &[0x5a; 1 << 10];
pub const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
pub const NOW: u64 = 1_614_265_330;

pub const TEXT: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const WHSK: &str =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

/// A row of a table.
#[derive(Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    pub scheme: Scheme,
    pub key: &'static str,
    /// Set if the limit of the table applies to the scheme.
    pub is_barred: bool,
}

pub const SCHEMES: [Row; 4] = [
    row("`plain`", Scheme::Plain, TEXT, true),
    row("`wss`", Scheme::Wss, TEXT, true),
    row("`standard`, `v1`", Scheme::Standard, WHSEC, true),
    row("`standard`, `v1a`", Scheme::Standard, WHSK, false),
];

const fn row(name: &'static str, scheme: Scheme, key: &'static str, is_barred: bool) -> Row {
    Row {
        name,
        scheme,
        key,
        is_barred,
    }
}

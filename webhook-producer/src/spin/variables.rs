//! Spin's variables, as [`Variables`].

use super::Spin;
use crate::platform::Variables;

impl Variables for Spin {
    fn variable(&self, name: &str) -> Result<String, String> {
        spin_sdk::variables::get(name).map_err(|error| error.to_string())
    }
}

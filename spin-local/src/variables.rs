//! The values of an app's variables, and the `{{ … }}` templates that use them.
//!
//! The value of a variable comes from the first of these sources that has one: `--variable`, the
//! providers of the runtime configuration in their order, the environment of the process as
//! `SPIN_VARIABLE_<NAME>`, the file `.env`, and the default in the manifest. The order is Spin's.
//!
//! Values may be secret: types that hold one have no `Debug`, and no error contains one.

mod argument;
mod error;
mod name;
mod provider;
mod template;
mod value;

pub(crate) use argument::read_argument;
pub use error::VariableError;
pub(crate) use name::check_name;
pub use provider::Provider;
pub(crate) use template::Template;
pub(crate) use value::{Variable, Variables};

//! The scopes.

/// The scope of an address or a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The internet.
    Public,
    /// This machine, its network, a multicast group, or no destination at all.
    Private,
    /// A service that trusts every caller, such as a metadata service: never to be called.
    Forbidden,
}

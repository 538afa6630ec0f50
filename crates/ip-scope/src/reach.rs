//! The scopes.

/// Where an address, or a name, leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the internet.
    Public,
    /// To this machine or the network it stands in, to a group of machines, or nowhere.
    Private,
    /// To a service that trusts whoever reaches it: never to be called.
    Forbidden,
}

//! The keys of events and deliveries, by the hashes of their ids.
//!
//! Hashes are random. An index that every new row changes has a page to write for each of them, as
//! soon as it has more pages than a transaction has rows. So the entries of new rows are kept in
//! memory, and moved to the table `ids` many at a time, in the order of their hashes: a page is then
//! written once for many entries. Nothing is lost with the memory, because entries after
//! `counters.indexed_to` are read again from the rows at start.
//!
//! An entry may outlive its row, for instance if a transaction is rolled back. Callers compare the id
//! of the row.

mod load;
mod mover;
mod table;

pub(super) use load::load;
pub(super) use mover::Mover;
pub(super) use table::keys;

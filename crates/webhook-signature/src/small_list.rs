//! A list that rarely has more than one item.

use alloc::vec::Vec;

/// Arrays in the order of insertion. A list of one, the usual case, needs no allocation.
#[derive(Default)]
pub(crate) struct SmallList<const N: usize> {
    first: Option<[u8; N]>,
    others: Vec<[u8; N]>,
}

impl<const N: usize> SmallList<N> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8; N]> + Clone {
        self.first.iter().chain(&self.others)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn push(&mut self, item: [u8; N]) {
        match self.first {
            None => self.first = Some(item),
            Some(_) => self.others.push(item),
        }
    }
}

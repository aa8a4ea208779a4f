//! Which pages a process and its children touch right after a fork. They are nearly always the same
//! few (the top of the stack, some data, the text behind the call), so a policy can give them at the
//! fork and save their faults. It is a guess: nothing depends on it but speed.

use serde::{Deserialize, Serialize};

/// Most pages that are remembered.
pub const MOST: usize = 8;
/// Forks after which everything is forgotten, so that old habits go.
const LIFE: u32 = 64;

/// A page that was touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Number of the page.
    pub page: u32,
    /// Whether it was written.
    pub written: bool,
}

/// The pages that are worth giving at the next fork.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hot {
    list: [Touched; MOST],
    count: u8,
    forks: u32,
}

impl Hot {
    /// Remembers a page, if there is room.
    pub fn add(&mut self, page: u32, written: bool) {
        let count = usize::from(self.count);
        if let Some(known) = self.list[..count]
            .iter_mut()
            .find(|known| known.page == page)
        {
            known.written |= written;
        } else if let Some(slot) = self.list.get_mut(count) {
            *slot = Touched { page, written };
            self.count += 1;
        }
    }

    /// Remembers what `other` does too.
    pub fn join(&mut self, other: &Hot) {
        other
            .pages()
            .iter()
            .for_each(|touched| self.add(touched.page, touched.written));
    }

    /// The pages.
    pub fn pages(&self) -> &[Touched] {
        &self.list[..usize::from(self.count)]
    }

    /// Counts a fork, and forgets everything from time to time.
    pub fn count_fork(&mut self) {
        self.forks += 1;
        if self.forks.is_multiple_of(LIFE) {
            *self = Hot::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_remembered_once_and_as_written_if_it_ever_was() {
        let mut hot = Hot::default();
        hot.add(3, false);
        hot.add(4, false);
        hot.add(3, true);
        let expected = [
            Touched {
                page: 3,
                written: true,
            },
            Touched {
                page: 4,
                written: false,
            },
        ];
        assert_eq!(hot.pages(), expected);
    }

    #[test]
    fn what_does_not_fit_is_not_remembered() {
        let mut hot = Hot::default();
        (0..20).for_each(|page| hot.add(page, true));
        assert_eq!(hot.pages().len(), MOST);
    }
}

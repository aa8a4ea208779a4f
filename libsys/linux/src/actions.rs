//! Signal actions that a thread remembers, so that asking for one, or setting it to what it is, needs no
//! message.
//!
//! Threads and the child of a `vfork` may change actions, too. Every change counts up one number that
//! they share; what is remembered holds as long as the number is the one that was seen last.

use crate::layout::Action;

/// Signals that are remembered at once.
const PLACES: usize = 8;

/// What is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    seen: u32,
    places: [Option<(u32, Action)>; PLACES],
}

impl Known {
    /// Nothing.
    pub const NOTHING: Known = Known {
        seen: 0,
        places: [None; PLACES],
    };

    /// A signal's action, if it is known while `changes` have been counted.
    pub fn get(&self, changes: u32, signal: u32) -> Option<Action> {
        match self.places[signal as usize % PLACES] {
            Some((whose, action)) if whose == signal && self.seen == changes => Some(action),
            _ => None,
        }
    }

    /// Remembers a signal's action, which is so when `changes` have been counted; `own` of them were
    /// this thread's, just now.
    pub fn put(&mut self, changes: u32, own: u32, signal: u32, action: Action) {
        if self.seen != changes.wrapping_sub(own) {
            self.places = [None; PLACES];
        }
        self.seen = changes;
        self.places[signal as usize % PLACES] = Some((signal, action));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(handler: u64) -> Action {
        Action {
            handler,
            ..Action::from_bytes(&[0; 32])
        }
    }

    #[test]
    fn own_changes_are_remembered_and_others_forget_them() {
        let mut known = Known::NOTHING;
        assert_eq!(known.get(0, 10), None);
        known.put(1, 1, 10, action(7));
        known.put(2, 1, 12, action(8));
        assert_eq!(known.get(2, 10), Some(action(7)));
        assert_eq!(known.get(2, 12), Some(action(8)));
        assert_eq!(known.get(3, 10), None, "somebody changed something");
        known.put(3, 0, 12, action(9));
        assert_eq!(
            (known.get(3, 10), known.get(3, 12)),
            (None, Some(action(9)))
        );
    }

    #[test]
    fn signals_that_share_a_place_are_not_mixed_up() {
        let mut known = Known::NOTHING;
        known.put(1, 1, 2, action(7));
        known.put(2, 1, 10, action(8));
        assert_eq!((known.get(2, 2), known.get(2, 10)), (None, Some(action(8))));
    }
}

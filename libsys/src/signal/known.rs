//! Signal actions that this process remembers, so that asking for one, or setting it to what it is,
//! needs no message.
//!
//! A handler can run between any two instructions here, and ask for actions itself; it then ends before
//! the interrupted code goes on. Each asking forgets what was known of that signal and counts up a number,
//! by which interrupted code sees that it must not remember what it was told. Who finds a writer at work
//! is such a handler, and leaves the table alone.

use super::{NEVER, SA_RESETHAND, SignalSet};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

/// Signals whose actions are remembered at once: one for each.
const PLACES: usize = 64;

/// An action as `proc` keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// 0 default, 1 ignore, else an address.
    pub handler: u64,
    /// `SA_` bits.
    pub flags: u32,
    /// Blocked while the handler runs.
    pub mask: SignalSet,
}

#[derive(Debug)]
struct Place {
    is_known: AtomicBool,
    flags: AtomicU32,
    handler: AtomicU64,
    mask: AtomicU64,
}

impl Place {
    const fn empty() -> Place {
        Place {
            is_known: AtomicBool::new(false),
            flags: AtomicU32::new(0),
            handler: AtomicU64::new(0),
            mask: AtomicU64::new(0),
        }
    }
}

/// What is remembered.
#[derive(Debug)]
pub struct Known {
    places: [Place; PLACES],
    asked: AtomicU32,
    writing: AtomicBool,
}

impl Known {
    /// Nothing.
    pub const fn nothing() -> Known {
        Known {
            places: [const { Place::empty() }; PLACES],
            asked: AtomicU32::new(0),
            writing: AtomicBool::new(false),
        }
    }

    fn place(&self, signal: u32) -> Option<&Place> {
        self.places.get((signal as usize).checked_sub(1)?)
    }

    /// A signal's action, if it is known.
    pub fn get(&self, signal: u32) -> Option<Words> {
        let place = self.place(signal)?;
        let asked = self.asked.load(Relaxed);
        if self.writing.load(Relaxed) || !place.is_known.load(Relaxed) {
            return None;
        }
        let words = Words {
            handler: place.handler.load(Relaxed),
            flags: place.flags.load(Relaxed),
            mask: place.mask.load(Relaxed),
        };
        (self.asked.load(Relaxed) == asked).then_some(words)
    }

    /// A signal's action is about to be asked for or changed. The answer is for [`Known::put`].
    pub fn ask(&self, signal: u32) -> u32 {
        if let Some(place) = self.place(signal) {
            place.is_known.store(false, Relaxed);
        }
        let asked = self.asked.load(Relaxed).wrapping_add(1);
        self.asked.store(asked, Relaxed);
        asked
    }

    /// Remembers a signal's action, unless something was asked for since [`Known::ask`]. What `proc` may
    /// change or refuse is not remembered.
    pub fn put(&self, asked: u32, signal: u32, words: Words) {
        let Some(place) = self.place(signal) else {
            return;
        };
        let is_certain =
            words.flags & SA_RESETHAND == 0 && (words.mask | 1 << (signal - 1)) & NEVER == 0;
        if !is_certain || self.writing.swap(true, Relaxed) {
            return;
        }
        place.handler.store(words.handler, Relaxed);
        place.flags.store(words.flags, Relaxed);
        place.mask.store(words.mask, Relaxed);
        place.is_known.store(true, Relaxed);
        // Looked at last: whoever comes later forgets it, and whoever came before is seen.
        if self.asked.load(Relaxed) != asked {
            place.is_known.store(false, Relaxed);
        }
        self.writing.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(handler: u64) -> Words {
        Words {
            handler,
            flags: 0,
            mask: 0,
        }
    }

    #[test]
    fn an_action_is_known_until_it_is_asked_for_again() {
        let known = Known::nothing();
        assert_eq!(known.get(10), None);
        known.put(known.ask(10), 10, words(5));
        known.put(known.ask(12), 12, words(6));
        assert_eq!(
            (known.get(10), known.get(12)),
            (Some(words(5)), Some(words(6)))
        );
        let asked = known.ask(10);
        assert_eq!(known.get(10), None);
        known.put(asked, 10, words(7));
        assert_eq!(known.get(10), Some(words(7)));
        assert_eq!((known.get(0), known.get(65)), (None, None));
    }

    #[test]
    fn what_a_handler_asked_meanwhile_makes_the_answer_uncertain() {
        let known = Known::nothing();
        let outer = known.ask(10);
        known.put(known.ask(10), 10, words(8));
        assert_eq!(known.get(10), Some(words(8)), "inside the handler");
        known.put(outer, 10, words(7));
        assert_eq!(known.get(10), None);
    }

    #[test]
    fn who_interrupts_a_writer_leaves_the_table_alone() {
        let known = Known::nothing();
        known.put(known.ask(12), 12, words(6));
        known.writing.store(true, Relaxed);
        known.put(known.ask(10), 10, words(8));
        assert_eq!((known.get(10), known.get(12)), (None, None));
        known.writing.store(false, Relaxed);
        assert_eq!((known.get(10), known.get(12)), (None, Some(words(6))));
    }

    #[test]
    fn what_the_service_changes_or_refuses_is_not_remembered() {
        let known = Known::nothing();
        let once = Words {
            flags: SA_RESETHAND,
            ..words(5)
        };
        let too_much = Words {
            mask: NEVER,
            ..words(5)
        };
        for (signal, words) in [(10, once), (10, too_much), (9, words(0)), (19, words(0))] {
            known.put(known.ask(signal), signal, words);
            assert_eq!(known.get(signal), None);
        }
    }
}

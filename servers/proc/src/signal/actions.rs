//! What a process has arranged for its signals.
//!
//! Most processes arrange little, so only what differs from the default is kept, and two sets
//! answer the questions that are asked for every signal.

use super::{Default as DefaultAction, bit, default_action};
use alloc::vec::Vec;
use proto::proc::SignalSet;
use serde::{Deserialize, Serialize};

/// Handler that stands for the default action.
pub const DEFAULT: u64 = 0;
/// Handler that stands for ignoring.
pub const IGNORE: u64 = 1;

/// `struct sigaction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// [`DEFAULT`], [`IGNORE`] or an address.
    pub handler: u64,
    /// `SA_*`.
    pub flags: u32,
    /// Blocked as well while the handler runs.
    pub mask: SignalSet,
    /// Where the handler returns to.
    pub restorer: u64,
}

/// All actions of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actions {
    ignored: SignalSet,
    caught: SignalSet,
    others: Vec<(u32, Action)>,
}

impl Actions {
    /// Signals that are ignored on purpose.
    pub fn ignored(&self) -> SignalSet {
        self.ignored
    }

    /// Signals that have a handler.
    pub fn caught(&self) -> SignalSet {
        self.caught
    }

    /// A signal's action.
    pub fn get(&self, signal: u32) -> Action {
        self.others
            .iter()
            .find(|(other, _)| *other == signal)
            .map_or(Action::default(), |(_, action)| *action)
    }

    /// Sets a signal's action.
    pub fn set(&mut self, signal: u32, action: Action) {
        self.others.retain(|(other, _)| *other != signal);
        self.ignored &= !bit(signal);
        self.caught &= !bit(signal);
        match action.handler {
            DEFAULT => {}
            IGNORE => self.ignored |= bit(signal),
            _ => self.caught |= bit(signal),
        }
        if action != Action::default() {
            self.others.push((signal, action));
        }
    }

    /// Whether a signal does nothing when it arrives.
    pub fn ignores(&self, signal: u32) -> bool {
        let by_default =
            self.caught & bit(signal) == 0 && default_action(signal) == DefaultAction::Ignore;
        self.ignored & bit(signal) != 0 || by_default
    }

    /// Another program has no handlers; what was ignored stays ignored.
    pub fn exec(&mut self) {
        self.caught = 0;
        self.others.retain(|(_, action)| action.handler == IGNORE);
        for (_, action) in &mut self.others {
            *action = Action {
                handler: IGNORE,
                ..Action::default()
            };
        }
    }
}

//! Processes whose pending signals the file server knows, because they have a `signalfd`.
//!
//! Calls go down only, so the file server cannot ask what is pending when somebody polls such a
//! descriptor; it is told, after each message that changed it. Taking a signal needs no such detour:
//! the reader asks here itself, with the set that the file server names. *Rejected*: the set in the
//! published table (who waits must be woken all the same), and a notification (it says nothing of whom).

use crate::Proc;
use crate::ports::Ports;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use proto::Pid;
use proto::proc::SignalSet;

/// By process: the pending signals that were told last.
pub(crate) type Watched = BTreeMap<Pid, SignalSet>;

impl Proc {
    /// From now on the file server is told of a process's pending signals.
    pub(crate) fn watch_signals(&mut self, pid: Pid) {
        self.watched.entry(pid).or_insert(0);
    }

    /// A child has its parent's descriptors.
    pub(crate) fn inherit_watching(&mut self, parent: Pid, child: Pid) {
        if self.watched.contains_key(&parent) {
            self.watch_signals(child);
        }
    }

    /// Tells what changed since the last message.
    pub(crate) fn tell_pending<P: Ports>(&mut self, ports: &mut P) {
        let pids: Vec<Pid> = self.watched.keys().copied().collect();
        for pid in pids {
            let Some(process) = self.table.living(pid) else {
                self.watched.remove(&pid);
                continue;
            };
            // What was sent to one thread makes the descriptor ready for all: which of them will ask is
            // not known, and who may not take it is told so then.
            let own = process.tasks.iter().map(|task| task.signals.own.pending());
            let pending = own.fold(process.signals.queue.pending(), |all, own| all | own);
            if self.watched.insert(pid, pending) != Some(pending) {
                ports.tell_pending(pid, pending);
            }
        }
    }
}

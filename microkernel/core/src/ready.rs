//! The run queue: fixed priorities, round robin inside one, and a bitmap to find the highest.

use crate::object::{Objects, ThreadId};
use crate::queue::Queue;
use crate::thread::flag;

/// Number of priorities; 31 is the highest.
pub const PRIORITIES: usize = 32;
/// Threads below this priority take turns with those of the same one. Those above are servers: each
/// runs until it waits, on the time of the program that it works for.
pub const SLICED: u32 = 16;

/// Threads that could run. The running one is not in it.
///
/// The bitmap comes first: the fast path reads it.
#[repr(C)]
pub struct ReadyQueue {
    bitmap: u32,
    queues: [Queue; PRIORITIES],
}

impl Default for ReadyQueue {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a thread joins those of its priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It was interrupted by a higher priority and goes on first.
    First,
    /// It has had its turn, or was woken.
    Last,
}

impl ReadyQueue {
    /// Nobody is ready.
    pub const fn new() -> Self {
        const EMPTY: Queue = Queue::EMPTY;
        ReadyQueue {
            bitmap: 0,
            queues: [EMPTY; PRIORITIES],
        }
    }

    /// The highest priority at which a thread is ready.
    #[inline]
    pub fn highest(&self) -> Option<u32> {
        self.bitmap.checked_ilog2()
    }

    /// Whether a thread of `priority` is ready.
    #[inline]
    pub fn any_at(&self, priority: u32) -> bool {
        self.bitmap & 1 << (priority % PRIORITIES as u32) != 0
    }

    /// Adds a thread that is in no queue.
    #[inline]
    pub fn insert(&mut self, objects: &mut impl Objects, id: ThreadId, place: Place) {
        let thread = objects.thread(id);
        thread.flags |= flag::QUEUED;
        let priority = thread.priority as usize % PRIORITIES;
        self.bitmap |= 1 << priority;
        match place {
            Place::First => self.queues[priority].push_front(objects, id),
            Place::Last => self.queues[priority].push_back(objects, id),
        }
    }

    /// Removes a thread that is queued here.
    #[inline]
    pub fn remove(&mut self, objects: &mut impl Objects, id: ThreadId) {
        let thread = objects.thread(id);
        thread.flags &= !flag::QUEUED;
        let priority = thread.priority as usize % PRIORITIES;
        self.queues[priority].remove(objects, id);
        if self.queues[priority].is_empty() {
            self.bitmap &= !(1 << priority);
        }
    }

    /// The thread of the highest priority, if it is the only one of it.
    pub fn only(&self, objects: &mut impl Objects) -> Option<ThreadId> {
        let first = self.queues[self.highest()? as usize].first();
        (!objects.thread(first).next.is_some()).then_some(first)
    }

    /// Takes the thread that should run next.
    #[inline]
    pub fn take(&mut self, objects: &mut impl Objects) -> Option<ThreadId> {
        let id = self.queues[self.highest()? as usize].first();
        self.remove(objects, id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::fake::Fake;
    use proptest::prelude::*;

    #[test]
    fn the_highest_priority_runs_first_and_equals_take_turns() {
        let (mut ready, mut objects) = (ReadyQueue::new(), Fake::default());
        for (id, priority) in [(1, 5), (2, 9), (3, 5)] {
            objects.thread(ThreadId(id)).priority = priority;
            ready.insert(&mut objects, ThreadId(id), Place::Last);
        }
        let order: Vec<u32> = core::iter::from_fn(|| ready.take(&mut objects))
            .map(|id| id.0)
            .collect();
        assert_eq!(order, [2, 1, 3]);
    }

    #[test]
    fn the_only_one_is_told_from_the_first_of_several() {
        let (mut ready, mut objects) = (ReadyQueue::new(), Fake::default());
        assert_eq!(ready.only(&mut objects), None);
        objects.thread(ThreadId(1)).priority = 3;
        objects.thread(ThreadId(2)).priority = 3;
        ready.insert(&mut objects, ThreadId(1), Place::Last);
        assert_eq!(ready.only(&mut objects), Some(ThreadId(1)));
        ready.insert(&mut objects, ThreadId(2), Place::Last);
        assert_eq!(ready.only(&mut objects), None);
    }

    proptest! {
        #[test]
        fn the_bitmap_says_exactly_who_is_ready(steps in prop::collection::vec((1u32..12, any::<bool>()), 0..200)) {
            let (mut ready, mut objects) = (ReadyQueue::new(), Fake::default());
            for (id, front) in steps {
                let place = if front { Place::First } else { Place::Last };
                let thread = objects.thread(ThreadId(id));
                if thread.has(flag::QUEUED) {
                    ready.remove(&mut objects, ThreadId(id));
                } else {
                    thread.priority = id * 7 % 32;
                    ready.insert(&mut objects, ThreadId(id), place);
                }
                let expected = (1..12).filter(|&id| objects.thread(ThreadId(id)).has(flag::QUEUED)).map(|id| id * 7 % 32).max();
                prop_assert_eq!(ready.highest(), expected);
            }
        }
    }
}

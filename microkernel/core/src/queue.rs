//! A queue of threads, linked through the threads themselves: it needs no memory of its own.
//!
//! A thread is in at most one queue.

use crate::object::{Objects, ThreadId};

/// First and last of the queue, both none if it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Queue {
    head: ThreadId,
    tail: ThreadId,
}

impl Queue {
    /// Nobody.
    pub const EMPTY: Queue = Queue {
        head: ThreadId::NONE,
        tail: ThreadId::NONE,
    };

    /// The first thread, or none.
    #[inline]
    pub fn first(&self) -> ThreadId {
        self.head
    }

    /// Whether nobody is queued.
    #[inline]
    pub fn is_empty(&self) -> bool {
        !self.head.is_some()
    }

    /// Adds `thread`, which is in no queue, at the end.
    pub fn push_back(&mut self, objects: &mut impl Objects, thread: ThreadId) {
        let last = self.tail;
        let links = objects.thread(thread);
        links.previous = last;
        links.next = ThreadId::NONE;
        match last.is_some() {
            true => objects.thread(last).next = thread,
            false => self.head = thread,
        }
        self.tail = thread;
    }

    /// Adds `thread`, which is in no queue, at the front.
    pub fn push_front(&mut self, objects: &mut impl Objects, thread: ThreadId) {
        let first = self.head;
        let links = objects.thread(thread);
        links.previous = ThreadId::NONE;
        links.next = first;
        match first.is_some() {
            true => objects.thread(first).previous = thread,
            false => self.tail = thread,
        }
        self.head = thread;
    }

    /// Removes `thread`, which is in this queue, wherever it stands.
    pub fn remove(&mut self, objects: &mut impl Objects, thread: ThreadId) {
        let links = objects.thread(thread);
        let (previous, next) = (links.previous, links.next);
        links.previous = ThreadId::NONE;
        links.next = ThreadId::NONE;
        match previous.is_some() {
            true => objects.thread(previous).next = next,
            false => self.head = next,
        }
        match next.is_some() {
            true => objects.thread(next).previous = previous,
            false => self.tail = previous,
        }
    }

    /// Removes and returns the first thread.
    pub fn pop_front(&mut self, objects: &mut impl Objects) -> Option<ThreadId> {
        let first = self.head;
        if !first.is_some() {
            return None;
        }
        self.remove(objects, first);
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::fake::Fake;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Back(u32),
        Front(u32),
        Remove(u32),
        Pop,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1u32..9).prop_map(Step::Back),
            (1u32..9).prop_map(Step::Front),
            (1u32..9).prop_map(Step::Remove),
            Just(Step::Pop),
        ]
    }

    proptest! {
        #[test]
        fn a_queue_behaves_as_a_double_ended_one(steps in prop::collection::vec(step(), 0..200)) {
            let (mut queue, mut model, mut objects) = (Queue::default(), VecDeque::new(), Fake::default());
            for step in steps {
                match step {
                    Step::Back(id) if !model.contains(&id) => {
                        queue.push_back(&mut objects, ThreadId(id));
                        model.push_back(id);
                    }
                    Step::Front(id) if !model.contains(&id) => {
                        queue.push_front(&mut objects, ThreadId(id));
                        model.push_front(id);
                    }
                    Step::Remove(id) if model.contains(&id) => {
                        queue.remove(&mut objects, ThreadId(id));
                        model.retain(|&other| other != id);
                    }
                    Step::Pop => {
                        let popped = queue.pop_front(&mut objects).map(|id| id.0);
                        prop_assert_eq!(popped, model.pop_front());
                    }
                    _ => continue,
                }
                prop_assert_eq!(queue.first().0, model.front().copied().unwrap_or(0));
                prop_assert_eq!(queue.is_empty(), model.is_empty());
            }
        }
    }
}

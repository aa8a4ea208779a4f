//! Spaces and threads come and go: create, fork, threads, destroy.

use crate::Mem;
use crate::memory::{self, Memory};
use crate::policy::ForkPolicy;
use crate::ports::{Machine, Reclaim, SpaceKey, ThreadKey};
use crate::region::page;
use crate::space::{Robust, Space, Thread};
use abi::layout::USER_END;
use abi::{Errno, Error};
use proto::Pid;
use proto::mem::Reply;

/// Frames of a new space: its object, its root table, its first thread.
const OBJECT_FRAMES: u64 = 3;
/// Tables that every program needs: one of the second level, one each for image and stack.
const FIRST_TABLES: usize = 3;
/// Handle slots that one frame holds.
const SLOTS_PER_FRAME: u32 = 256;

impl<P: ForkPolicy> Mem<P> {
    /// Makes an empty space with a stopped thread.
    pub(crate) fn create<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        priority: u32,
    ) -> Result<(Reply, ThreadKey), Errno> {
        if pid == Pid(0) || self.spaces.slot(pid).is_some() {
            return Err(Errno::EEXIST);
        }
        let slot = self.spaces.insert(pid).ok_or(Errno::ENOMEM)?;
        let space = self.spaces.at(slot);
        match self.memory.create_space(machine, space, priority) {
            Ok(thread) => Ok((
                Reply::Thread {
                    frame: thread.frame,
                },
                thread.key,
            )),
            Err(error) => {
                self.spaces.remove(pid);
                Err(error)
            }
        }
    }

    /// Makes `child` a copy of `parent`.
    pub(crate) fn fork<M: Machine>(
        &mut self,
        machine: &mut M,
        parent: Pid,
        child: Pid,
    ) -> Result<(Reply, ThreadKey), Errno> {
        let owner = self.spaces.memory_of(parent);
        let slot = self.spaces.slot(owner).ok_or(Errno::ESRCH)?;
        let original = self.spaces.at(slot);
        let pages = u64::from(original.pages.count(&self.memory.chunks));
        let needed = self.policy.frames_at_once(pages) + OBJECT_FRAMES + FIRST_TABLES as u64;
        if !self.memory.frames.has(needed, original.rank) {
            return Err(Errno::ENOMEM);
        }
        let priority = original.threads.first().map_or(0, |thread| thread.priority);
        let made = self.create(machine, child, priority)?;
        let copy = self.spaces.slot(child).ok_or(Errno::ESRCH)?;
        let Some([original, copy]) = self.spaces.two(slot, copy) else {
            return Err(Errno::EINVAL);
        };
        let copied = (self.memory.copy_layout(original, copy))
            .and_then(|()| self.policy.copy(&mut self.memory, machine, original, copy));
        if let Err(error) = copied {
            self.memory.batch.clear();
            self.destroy(machine, child)?;
            return Err(error);
        }
        if copy.marked {
            self.memory.obey_marks(machine, copy);
        }
        Ok(made)
    }

    /// Makes a space for `borrower` whose thread uses the memory of `lender`.
    pub(crate) fn lend<M: Machine>(
        &mut self,
        machine: &mut M,
        lender: Pid,
        borrower: Pid,
    ) -> Result<(Reply, ThreadKey), Errno> {
        let owner = self.spaces.memory_of(lender);
        let space = self.spaces.get_mut(owner).ok_or(Errno::ESRCH)?;
        let priority = space.threads.first().map_or(0, |thread| thread.priority);
        let made = self.create(machine, borrower, priority)?;
        self.spaces.borrow(borrower, owner);
        Ok(made)
    }

    /// Destroys a space and everything that only it uses.
    pub(crate) fn destroy<M: Machine>(&mut self, machine: &mut M, pid: Pid) -> Result<(), Errno> {
        if self.spaces.lends(pid) {
            return Err(Errno::EBUSY);
        }
        self.tell_parent(pid);
        self.spaces.give_back(pid);
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        self.memory.destroy_space(machine, space);
        self.spaces.remove(pid);
        Ok(())
    }

    /// Lets the parent's next child profit from what this one touched, as its memory goes.
    pub(crate) fn tell_parent(&mut self, pid: Pid) {
        let Some(space) = self.spaces.get_mut(pid) else {
            return;
        };
        let (parent, hot) = (space.parent, space.hot);
        space.parent = Pid(0);
        if parent != Pid(0)
            && let Some(parent) = self.spaces.get_mut(parent)
        {
            parent.hot.join(&hot);
        }
    }

    /// Makes room in the handle table of a space.
    pub(crate) fn handle_slots<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        slots: u32,
    ) -> Result<(), Errno> {
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        for _ in 0..slots.div_ceil(SLOTS_PER_FRAME).min(16) {
            let frame = self
                .memory
                .frames
                .take_kernel(space.rank)
                .ok_or(Errno::ENOMEM)?;
            if machine.extend(space.key, frame).is_err() {
                self.memory.frames.release_kernel(frame);
                return Err(Errno::EINVAL);
            }
            space.extensions.push(frame);
        }
        Ok(())
    }
}

impl Memory {
    /// Makes the kernel's objects of a space. If that fails, nothing is left of them.
    fn create_space<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        priority: u32,
    ) -> Result<Thread, Errno> {
        if !self.frames.has(OBJECT_FRAMES, space.rank) {
            return Err(Errno::ENOMEM);
        }
        let frame = self.frames.take_kernel(space.rank).ok_or(Errno::ENOMEM)?;
        let root = self.frames.take_kernel(space.rank).ok_or(Errno::ENOMEM)?;
        let pid = space.pid;
        let key = self.with_slot(machine, |machine| machine.create_space(frame, root, pid));
        let key = match key {
            Ok(key) => key,
            Err(error) => {
                self.frames.release_kernel(root);
                self.frames.release_kernel(frame);
                return Err(error);
            }
        };
        (space.key, space.frame, space.root) = (key, frame, root);
        match self.create_thread(machine, space, priority) {
            Ok(thread) => {
                space.threads.push(thread);
                // Only saves a round: a space without tables asks for them later.
                let _ = memory::donate(machine, &mut self.frames, space, FIRST_TABLES);
                Ok(thread)
            }
            Err(error) => {
                self.destroy_space(machine, space);
                Err(error)
            }
        }
    }

    pub(crate) fn create_thread<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        priority: u32,
    ) -> Result<Thread, Errno> {
        let frame = self.frames.take_kernel(space.rank).ok_or(Errno::ENOMEM)?;
        match self.with_slot(machine, |machine| {
            machine.create_thread(frame, space.key, priority)
        }) {
            Ok(key) => Ok(Thread {
                key,
                frame,
                priority,
                tid: space.pid.0,
                robust: Robust::default(),
            }),
            Err(error) => {
                self.frames.release_kernel(frame);
                Err(error)
            }
        }
    }

    /// Makes a kernel object, giving the server's own handle table more slots if it lacks one.
    fn with_slot<M: Machine, T>(
        &mut self,
        machine: &mut M,
        mut make: impl FnMut(&mut M) -> Result<T, Error>,
    ) -> Result<T, Errno> {
        let mut made = make(machine);
        if matches!(made, Err(Error::NoSlot)) {
            let frame = self
                .frames
                .take_kernel(crate::frames::Rank::Server)
                .ok_or(Errno::ENOMEM)?;
            if machine.extend(SpaceKey::OWN, frame).is_err() {
                self.frames.release_kernel(frame);
                return Err(Errno::EAGAIN);
            }
            made = make(machine);
        }
        made.map_err(|error| match error {
            Error::NoAsid | Error::NoSlot => Errno::EAGAIN,
            Error::Invalid => Errno::EINVAL,
            _ => Errno::ENOMEM,
        })
    }

    pub(crate) fn destroy_thread<M: Machine>(&mut self, machine: &mut M, thread: Thread) {
        let done = machine.destroy_thread(thread.key);
        debug_assert!(done.is_ok(), "the thread is ours");
        self.frames.release_kernel(thread.frame);
    }

    /// Ends the kernel's objects of a space and empties it.
    fn destroy_space<M: Machine>(&mut self, machine: &mut M, space: &mut Space) {
        while let Some(thread) = space.threads.pop() {
            self.destroy_thread(machine, thread);
        }
        machine.clear(space.key);
        let mut list = [0; 64];
        loop {
            let count = machine
                .reclaim(space.key, &mut list, Reclaim::TearDown)
                .min(list.len());
            list[..count]
                .iter()
                .for_each(|&frame| self.frames.release_kernel(frame));
            if count < list.len() {
                break;
            }
        }
        let done = machine.destroy_space(space.key);
        debug_assert!(done.is_ok(), "nothing is left in the space");
        self.frames.release_kernel(space.root);
        self.frames.release_kernel(space.frame);
        while let Some(frame) = space.extensions.pop() {
            self.frames.release_kernel(frame);
        }
        self.forget_content(space);
    }

    /// Gives up all pages and regions of a space in which nothing is mapped any more.
    pub(crate) fn forget_content(&mut self, space: &mut Space) {
        let Memory {
            frames,
            chunks,
            objects,
            ..
        } = self;
        space
            .pages
            .remove(chunks, 0..page(USER_END), |_, frame| frames.release(frame));
        for object in space
            .regions
            .as_slice()
            .iter()
            .filter_map(|region| region.object())
        {
            objects.remove_mapping(chunks, frames, object);
        }
        space.regions.clear();
        space.size = 0;
    }

    /// Gives `child` the regions, heap and limits of `parent`.
    fn copy_layout(&mut self, parent: &Space, child: &mut Space) -> Result<(), Errno> {
        child.regions.copy_of(&parent.regions)?;
        for object in child
            .regions
            .as_slice()
            .iter()
            .filter_map(|region| region.object())
        {
            self.objects.add_mapping(object);
        }
        (child.heap_start, child.heap_end) = (parent.heap_start, parent.heap_end);
        (child.size, child.limits) = (parent.size, parent.limits);
        (child.lock_limit, child.marked) = (parent.lock_limit, parent.marked);
        (child.parent, child.hot) = (parent.pid, parent.hot);
        Ok(())
    }
}

//! Threads of a space: they come, say where their robust lists are, and end.

use crate::Mem;
use crate::futex::{ANY, tell};
use crate::memory::Memory;
use crate::policy::ForkPolicy;
use crate::ports::{Machine, ThreadKey};
use crate::region::{Backing, page};
use crate::space::Robust;
use abi::message::access;
use abi::{Errno, PAGE_BYTES, Token};
use proto::Pid;
use proto::mem::Reply;
use proto::port::{Callers, Incoming, Refusal};

/// Most threads of a space.
const MAX_THREADS: usize = 1024;
/// Most entries of a robust list that are looked at: it may be a circle (Linux: `ROBUST_LIST_LIMIT`).
const ROBUST_ENTRIES: usize = 2048;
/// Parts of the word of a robust lock (Linux: include/uapi/linux/futex.h).
const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;
const TID: u32 = 0x3fff_ffff;

impl<P: ForkPolicy> Mem<P> {
    /// Makes one more thread, whose number is `tid`.
    pub(crate) fn add_thread<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        priority: u32,
        tid: u32,
    ) -> Result<(Reply, ThreadKey), Errno> {
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        if space.threads.len() >= MAX_THREADS || space.threads.try_reserve(1).is_err() {
            return Err(Errno::EAGAIN);
        }
        let mut thread = self.memory.create_thread(machine, space, priority)?;
        thread.tid = tid;
        space.threads.push(thread);
        Ok((
            Reply::Thread {
                frame: thread.frame,
            },
            thread.key,
        ))
    }

    /// Destroys a thread.
    pub(crate) fn remove_thread<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        frame: u32,
    ) -> Result<(), Errno> {
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let at = space
            .threads
            .iter()
            .position(|thread| thread.frame == frame)
            .ok_or(Errno::ESRCH)?;
        let thread = space.threads.remove(at);
        self.memory.destroy_thread(machine, thread);
        Ok(())
    }

    /// A thread of `pid` ends while others go on: its robust locks are given up, the word at `clear`
    /// becomes 0 and who waits for it is woken, and so becomes the word at `area`. Addresses of 0,
    /// and such where nothing can be written, are left alone.
    pub(crate) fn end_thread<M: Machine, C: Callers<Reply>>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        pid: Pid,
        frame: u32,
        [clear, area]: [u64; 2],
    ) -> Result<(), Errno> {
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let thread = space.threads.iter().find(|thread| thread.frame == frame);
        let (tid, robust) = thread
            .map(|thread| (thread.tid, thread.robust))
            .ok_or(Errno::ESRCH)?;
        self.give_up_locks(machine, callers, pid, tid, robust);
        self.hand_over_owned(callers, tid);
        if clear != 0 && self.store(machine, pid, clear, 0).is_some() {
            self.wake_at(callers, pid, clear);
        }
        if area != 0 {
            let _ = self.store(machine, pid, area, 0);
        }
        self.remove_thread(machine, pid, frame)
    }

    /// Gives up the robust locks of all threads of a process that ends. Only memory that others have
    /// too matters then.
    pub(crate) fn give_up_all_locks<M: Machine, C: Callers<Reply>>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        pid: Pid,
    ) {
        if self.futexes.owned.count() > 0 {
            self.hand_over_all(callers, pid);
        }
        let Some(space) = self.spaces.get_mut(pid) else {
            return;
        };
        let any = space.threads.iter().any(|thread| thread.robust.head != 0);
        let shares = |space: &crate::space::Space| {
            let mut regions = space.regions.as_slice().iter();
            regions.any(|region| matches!(region.backing, Backing::Shared { .. }))
        };
        if !any || !(space.lender != Pid(0) || shares(space)) {
            return;
        }
        for at in 0.. {
            let space = self.spaces.get_mut(pid);
            let Some(thread) = space.and_then(|space| space.threads.get(at).copied()) else {
                return;
            };
            self.give_up_locks(machine, callers, pid, thread.tid, thread.robust);
        }
    }

    /// Hands over what the threads of a process own that ends.
    fn hand_over_all<C: Callers<Reply>>(&mut self, callers: &mut C, pid: Pid) {
        let mut place = 0;
        while let Some(space) = self.spaces.get_mut(pid)
            && let Some(thread) = space.threads.get(place)
        {
            place += 1;
            let tid = thread.tid;
            self.hand_over_owned(callers, tid);
        }
    }

    /// `set_robust_list` of the thread that asks.
    pub(crate) fn set_robust(
        &mut self,
        sender: Pid,
        token: Token,
        head: u64,
    ) -> Result<Reply, Refusal> {
        let space = self.spaces.get_mut(sender).ok_or(Errno::ESRCH)?;
        let frame = token.thread_frame();
        let mut threads = space.threads.iter_mut();
        let thread = threads
            .find(|thread| thread.frame == frame)
            .ok_or(Errno::ESRCH)?;
        thread.robust = Robust { head };
        Ok(Reply::Done)
    }

    /// `get_robust_list` of a thread of the process that asks.
    pub(crate) fn robust_of(&mut self, sender: Pid, tid: u32) -> Result<Reply, Refusal> {
        let space = self.spaces.get_mut(sender).ok_or(Errno::ESRCH)?;
        let thread = space.threads.iter().find(|thread| thread.tid == tid);
        let head = thread.ok_or(Errno::ESRCH)?.robust.head;
        Ok(Reply::Address(head))
    }

    /// The numbers of a space's threads, to lease 0.
    pub(crate) fn list_threads<C: Callers<Reply>>(
        &mut self,
        callers: &mut C,
        incoming: &Incoming<proto::mem::Request>,
        pid: Pid,
    ) -> Result<Reply, Refusal> {
        if pid != incoming.sender && !incoming.sender.is_server() {
            return Err(Errno::EPERM.into());
        }
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let room = incoming.leases[0].bytes / 4;
        for (index, thread) in space.threads.iter().take(room).enumerate() {
            callers.write(
                incoming.token,
                0,
                4 * index as u64,
                &thread.tid.to_le_bytes(),
            )?;
        }
        Ok(Reply::Count(space.threads.len() as u64))
    }

    /// The numbers and frames of a space's threads; of one whose memory is lent, its own.
    pub(crate) fn list_frames<C: Callers<Reply>>(
        &mut self,
        callers: &mut C,
        incoming: &Incoming<proto::mem::Request>,
        pid: Pid,
    ) -> Result<Reply, Refusal> {
        if pid != incoming.sender && !incoming.sender.is_server() {
            return Err(Errno::EPERM.into());
        }
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let room = incoming.leases[0].bytes / 8;
        for (index, thread) in space.threads.iter().take(room).enumerate() {
            let pair = u64::from(thread.frame) << 32 | u64::from(thread.tid);
            callers.write(incoming.token, 0, 8 * index as u64, &pair.to_le_bytes())?;
        }
        Ok(Reply::Count(space.threads.len() as u64))
    }

    /// Walks a robust list (Linux: `exit_robust_list`): locks that `tid` holds are marked as left by a
    /// dead owner, and one waiter each is woken.
    fn give_up_locks<M: Machine, C: Callers<Reply>>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        pid: Pid,
        tid: u32,
        robust: Robust,
    ) {
        let head = robust.head;
        if head == 0 {
            return;
        }
        let Some([first, offset, pending]) = self.load::<M, 3>(machine, pid, head) else {
            return;
        };
        let lock = |entry: u64| (entry & !1).wrapping_add(offset);
        let mut entry = first;
        for _ in 0..ROBUST_ENTRIES {
            if entry & !1 == head || entry == 0 {
                break;
            }
            // The next one is read before the lock is given up: then it is another's.
            let next = self.load::<M, 1>(machine, pid, entry & !1);
            if entry != pending {
                self.give_up(machine, callers, pid, tid, lock(entry), false);
            }
            match next {
                Some([next]) => entry = next,
                None => break,
            }
        }
        if pending != 0 {
            self.give_up(machine, callers, pid, tid, lock(pending), true);
        }
    }

    fn give_up<M: Machine, C: Callers<Reply>>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        pid: Pid,
        tid: u32,
        address: u64,
        pending: bool,
    ) {
        let mut bytes = [0; 4];
        if !address.is_multiple_of(4) || self.fetch(machine, pid, address, &mut bytes).is_none() {
            return;
        }
        let word = u32::from_le_bytes(bytes);
        if pending && word == 0 {
            // It was unlocked, and its waiter perhaps not woken any more.
            return self.wake_at(callers, pid, address);
        }
        if word & TID != tid {
            return;
        }
        let left = word & WAITERS | OWNER_DIED;
        if self.store(machine, pid, address, left).is_some() && word & WAITERS != 0 {
            self.wake_at(callers, pid, address);
        }
    }

    /// Wakes one waiter of the word at `address`, as one that any process may share.
    fn wake_at<C: Callers<Reply>>(&mut self, callers: &mut C, pid: Pid, address: u64) {
        if let Ok(key) = self.futex_key(pid, address, true) {
            self.futexes
                .table
                .wake(key, ANY, 1, |token| tell(callers, token));
        }
    }

    /// Reads words at `address`.
    fn load<M: Machine, const N: usize>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        address: u64,
    ) -> Option<[u64; N]> {
        let mut words = [0; N];
        for (index, word) in words.iter_mut().enumerate() {
            let mut bytes = [0; 8];
            let at = address.checked_add(8 * index as u64)?;
            self.fetch(machine, pid, at, &mut bytes)?;
            *word = u64::from_le_bytes(bytes);
        }
        Some(words)
    }

    /// Reads bytes that lie in one page.
    fn fetch<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        address: u64,
        into: &mut [u8],
    ) -> Option<()> {
        let offset = (address % PAGE_BYTES) as usize;
        if offset + into.len() > PAGE_BYTES as usize {
            return None;
        }
        let pid = self.spaces.memory_of(pid);
        let frame = match self.frame_at(pid, address) {
            Some(frame) => frame,
            None if self.touch_page(machine, pid, address, 0) => self.frame_at(pid, address)?,
            None => return None,
        };
        machine.read_frame(frame, offset, into);
        Some(())
    }

    /// Writes a word as the program could.
    fn store<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        address: u64,
        word: u32,
    ) -> Option<()> {
        if !address.is_multiple_of(4) {
            return None;
        }
        let pid = self.spaces.memory_of(pid);
        let space = self.spaces.get_mut(pid)?;
        if !self.memory.is_writable_now(space, address)
            && !self.touch_page(machine, pid, address, access::WRITE)
        {
            return None;
        }
        let key = self.spaces.get_mut(pid)?.key;
        (machine.write(key, address, &word.to_le_bytes()) == 4).then_some(())
    }
}

impl Memory {
    /// Whether the page is mapped for writing, as far as that can be told without a fault.
    fn is_writable_now(&self, space: &crate::space::Space, address: u64) -> bool {
        let number = page(address);
        let bit = 1 << (number % crate::pages::CHUNK_PAGES);
        space
            .pages
            .chunk(&self.chunks, number)
            .is_some_and(|chunk| chunk.writable & bit != 0)
    }
}

//! The kernel's whole state, the one door to it, and what happens between entry and exit.
//!
//! One CPU, interrupts masked while the kernel runs: so whoever came through the door has the state
//! to itself. Objects are reached through [`Memory`], which turns frame numbers into references;
//! the frame table says which frame holds what, and slots and threads name objects only while they
//! live, so a reference is always to an object of the right kind.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use abi::boot::BootInfo;
use abi::trace::Record;
use kernel_core::asid::Asids;
use kernel_core::endpoint::{self, Endpoint, Sent};
use kernel_core::frames::{FrameTable, Kind};
use kernel_core::object::{EndpointId, FrameNumber, Objects, SpaceId, ThreadId};
use kernel_core::page_table::Tables;
use kernel_core::ready::{Place, ReadyQueue, SLICED};
use kernel_core::space::{PAGE_SLOTS, Slot, SlotPages, Space};
use kernel_core::thread::{State, Thread, flag};
use kernel_core::trace::{self, Trace, WATCHED};

use crate::arch::memory::{frame_address, zero_frame};
use crate::arch::mmu::virt_to_phys_linear;
use crate::arch::vectors::Cause;
use crate::arch::{cycles, timer};
use crate::{fault, interrupt, upcall};

/// Everything that the kernel knows.
#[repr(C)]
pub(crate) struct Kernel {
    /// Who could run. First, because the fast path reads its first word.
    pub(crate) ready: ReadyQueue,
    /// The thread that entered the kernel, and runs on unless it stops or a better one is ready.
    pub(crate) current: ThreadId,
    /// A thread that was woken in this entry and has not joined the run queue: if it is the best
    /// one it runs at once, without touching the queue.
    pub(crate) handoff: ThreadId,
    /// The thread whose values the vector registers hold.
    pub(crate) vector_owner: ThreadId,
    /// All kernel objects and the frame table.
    pub(crate) memory: Memory,
    /// Address-space identifiers.
    pub(crate) asids: Asids,
    /// Serial number for the next thread or space.
    pub(crate) serial: u64,
    /// Interrupts, timers and time slices.
    pub(crate) events: interrupt::Events,
    /// Counters for [`abi::call::STATISTICS`].
    pub(crate) counters: Counters,
}

/// What the kernel counts.
#[derive(Default)]
pub(crate) struct Counters {
    /// Ticks during which nobody was ready.
    pub(crate) idle_ticks: u64,
    /// Messages that took the general path.
    pub(crate) messages: u64,
    /// Interrupts.
    pub(crate) interrupts: u64,
    /// Counter value up to which CPU time has been billed.
    pub(crate) billed_until: u64,
}

/// Door to the kernel's state.
#[repr(transparent)]
pub(crate) struct Door(UnsafeCell<MaybeUninit<Kernel>>);

// SAFETY: only one CPU runs the kernel, and it is entered with interrupts masked and never from
// itself (an exception in the kernel does not come back), so accesses never overlap.
unsafe impl Sync for Door {}

/// The state. The fast path reads the ready queue's bitmap at its start.
pub(crate) static KERNEL: Door = Door(UnsafeCell::new(MaybeUninit::uninit()));

impl Kernel {
    /// Fills the state; called once, before the first thread runs.
    pub(crate) fn install(frames: FrameTable<'static>, asid_bits: u32) -> &'static mut Kernel {
        // SAFETY: called once while booting (see `kernel_main`), before any other access.
        let place = unsafe { &mut *KERNEL.0.get() };
        place.write(Kernel {
            ready: ReadyQueue::new(),
            current: ThreadId::NONE,
            handoff: ThreadId::NONE,
            vector_owner: ThreadId::NONE,
            memory: Memory {
                frames,
                upcalls_done: 0,
                trace: Trace::new(cycles::times),
            },
            asids: Asids::new(asid_bits),
            serial: 1,
            events: interrupt::Events::new(),
            counters: Counters::default(),
        })
    }

    /// A number that no object had before.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The thread that entered the kernel.
    pub(crate) fn current(&mut self) -> &mut Thread {
        self.memory.thread(self.current)
    }

    /// Lets a thread that left its wait run, unless it is suspended.
    pub(crate) fn wake(&mut self, id: ThreadId, place: Place) {
        let thread = self.memory.thread(id);
        if id == self.current || id == self.handoff || thread.has(flag::SUSPENDED | flag::QUEUED) {
            return;
        }
        let expired = thread.has(flag::EXPIRED);
        thread.flags &= !flag::EXPIRED;
        let place = if expired { Place::Last } else { place };
        match place == Place::First && !self.handoff.is_some() {
            true => self.handoff = id,
            false => self.enqueue(id, place),
        }
    }

    /// Puts a thread into the run queue. If it has to wait for another one's slice, that begins.
    fn enqueue(&mut self, id: ThreadId, place: Place) {
        self.ready.insert(&mut self.memory, id, place);
        let owner = self.events.waiting_slice();
        if owner.is_some() && self.memory.thread(owner).priority == self.memory.thread(id).priority
        {
            self.events.changed = true;
        }
    }

    /// Lets the server run that a message was delivered to.
    pub(crate) fn after_send(&mut self, sent: Sent) {
        self.counters.messages += 1;
        if let Sent::Delivered(server) = sent {
            self.wake(server, Place::First);
        }
    }

    /// Sets notification bits and lets the receiver run that they wake.
    pub(crate) fn signal(&mut self, id: EndpointId, bits: u64) {
        if self.memory.trace.active {
            self.trace_signal(id, bits);
        }
        if let Some(receiver) = endpoint::signal(&mut self.memory, id, bits) {
            self.wake(receiver, Place::First);
        }
    }

    /// Writes down a notification that a watched thread or a traced interrupt sets.
    #[cold]
    #[inline(never)]
    fn trace_signal(&mut self, id: EndpointId, bits: u64) {
        let watched = self.is_watched(self.current);
        match self.events.interrupt_span {
            Some(0) => {}
            Some(span) => trace::notified(&mut self.memory, id, ThreadId::NONE, span, bits),
            None if watched => {
                let cause = self.current().cause;
                trace::notified(&mut self.memory, id, self.current, cause, bits);
            }
            None => {}
        }
    }

    /// Whether records are written about a thread.
    pub(crate) fn is_watched(&mut self, id: ThreadId) -> bool {
        id.is_some() && self.memory.thread(id).has(WATCHED)
    }

    /// Takes a thread out of its wait and of the run queue, for good or before a new start.
    pub(crate) fn halt(&mut self, id: ThreadId) {
        if self.memory.thread(id).has(flag::QUEUED) {
            self.ready.remove(&mut self.memory, id);
        }
        if self.handoff == id {
            self.handoff = ThreadId::NONE;
        }
        self.events.forget_slice(id);
        if let Some(server) = endpoint::cancel_wait(&mut self.memory, id) {
            self.signal(server, abi::message::notify::CANCELLED);
        }
        self.memory.thread(id).state = State::Inactive;
    }

    fn can_run(&mut self, id: ThreadId) -> bool {
        if !id.is_some() {
            return false;
        }
        let thread = self.memory.thread(id);
        thread.state == State::Ready && !thread.has(flag::SUSPENDED)
    }

    /// Bills the time since the last bill to the current thread. (A server that was gone to directly
    /// in between is billed to its caller or the other way round: whoever is current.)
    fn bill(&mut self) {
        let now = timer::now();
        let used = now - core::mem::replace(&mut self.counters.billed_until, now);
        match self.current.is_some() {
            true => self.memory.thread(self.current).cpu_ticks += used,
            false => self.counters.idle_ticks += used,
        }
    }

    /// Bills the time since the last bill to `id` if it waits for the current thread's reply: it called
    /// without a bill, and nobody else has run since. So a program that computes and then asks how long it
    /// did is told.
    pub(crate) fn bill_caller(&mut self, id: ThreadId) {
        let served_at = match self.current.is_some() {
            true => self.memory.thread(self.current).endpoint,
            false => return,
        };
        let asker = self.memory.thread(id);
        if asker.state != State::AwaitingReply || asker.endpoint != served_at {
            return;
        }
        let now = timer::now();
        let used = now - core::mem::replace(&mut self.counters.billed_until, now);
        self.memory.thread(id).cpu_ticks += used;
    }

    /// Chooses who runs next, waiting for an interrupt if nobody can.
    fn choose(&mut self) -> ThreadId {
        loop {
            if let Some(id) = self.candidate() {
                if upcall::prepare(self, id) {
                    return id;
                }
                continue;
            }
            self.bill();
            self.current = ThreadId::NONE;
            interrupt::wait(self);
        }
    }

    /// The thread to run: the current one goes on unless it stopped, a higher priority is ready, or
    /// its time slice is over and an equal one is ready.
    fn candidate(&mut self) -> Option<ThreadId> {
        let turn_over = core::mem::take(&mut self.events.turn_over);
        let woken = core::mem::take(&mut self.handoff);
        if self.can_run(self.current) {
            let priority = self.memory.thread(self.current).priority;
            let contender = if woken.is_some() {
                self.memory.thread(woken).priority
            } else {
                0
            };
            let highest = self.ready.highest().unwrap_or(0).max(contender);
            if highest < priority || highest == priority && !turn_over {
                self.queue(woken, Place::First);
                return Some(self.current);
            }
            let place = if highest > priority {
                Place::First
            } else {
                Place::Last
            };
            self.queue(self.current, place);
        }
        if woken.is_some()
            && self
                .ready
                .highest()
                .is_none_or(|best| best <= self.memory.thread(woken).priority)
        {
            return Some(woken);
        }
        self.queue(woken, Place::First);
        let taken = self.ready.take(&mut self.memory)?;
        self.begin_turn(taken);
        Some(taken)
    }

    /// Puts a thread, if it is one, into the run queue.
    fn queue(&mut self, id: ThreadId, place: Place) {
        if id.is_some() {
            self.enqueue(id, place);
        }
    }

    /// The common ways out, in which nobody and nothing else has to be thought of: the current
    /// thread goes on; or it waits now, and the one that it woke goes on in its place, or the only
    /// one of the highest priority.
    #[inline]
    fn obvious(&mut self) -> Option<ThreadId> {
        if self.events.changed {
            return None;
        }
        let current = self.memory.thread(self.current);
        let goes_on = current.state == State::Ready && current.flags == 0;
        let priority = current.priority;
        if goes_on && self.handoff.is_some() && self.memory.thread(self.handoff).priority < priority
        {
            let woken = core::mem::take(&mut self.handoff);
            self.enqueue(woken, Place::First);
            if self.events.changed {
                return None;
            }
        }
        match (goes_on, self.handoff.is_some()) {
            (true, false) => self.if_best(self.current),
            (false, true) if current_waits(self.memory.thread(self.current)) => {
                self.if_best(self.handoff)
            }
            (false, false) if current_waits(self.memory.thread(self.current)) => self.take_only(),
            _ => None,
        }
    }

    /// `next` if it can simply run: nobody of its priority or a higher one is ready.
    fn if_best(&mut self, next: ThreadId) -> Option<ThreadId> {
        let thread = self.memory.thread(next);
        let undisturbed = thread.state == State::Ready && thread.flags == 0;
        let priority = thread.priority;
        if !undisturbed || self.ready.highest().is_some_and(|best| best >= priority) {
            return None;
        }
        self.handoff = ThreadId::NONE;
        Some(next)
    }

    /// The only ready thread of the highest priority, if it can simply run.
    fn take_only(&mut self) -> Option<ThreadId> {
        let id = self.ready.only(&mut self.memory)?;
        if self.memory.thread(id).flags != flag::QUEUED {
            return None;
        }
        self.bill();
        self.ready.remove(&mut self.memory, id);
        self.begin_turn(id);
        Some(id)
    }

    /// Leaves the kernel's books in order and returns the address of the thread to run.
    pub(crate) fn leave(&mut self) -> usize {
        if self.current.is_some()
            && let Some(next) = self.obvious()
        {
            self.current = next;
            return frame_address(next.0);
        }
        self.leave_generally()
    }

    /// Whether somebody waits for the end of the slice. A thread that came to run because its wait
    /// ended, before those in the queue, goes on with the slice of the one before.
    fn is_contended(&mut self, next: ThreadId) -> bool {
        if self.takes_turns(next) {
            self.events.hand_slice(next);
        }
        let owner = self.events.slice_owner();
        owner.is_some() && self.ready.any_at(self.memory.thread(owner).priority)
    }

    /// Whether a thread has time slices.
    fn takes_turns(&mut self, id: ThreadId) -> bool {
        self.memory.thread(id).priority < SLICED
    }

    /// A thread was taken from the run queue.
    fn begin_turn(&mut self, id: ThreadId) {
        self.memory.thread(id).flags &= !flag::EXPIRED;
        if self.takes_turns(id) {
            self.events.new_slice(id);
        }
    }

    /// The way out when somebody has to be chosen.
    #[inline(never)]
    fn leave_generally(&mut self) -> usize {
        let entered = self.current;
        let next = self.choose();
        // After a wait for an interrupt nobody is current, whoever runs next: that time was idle.
        if next != self.current {
            self.bill();
            let is_switch = next != entered;
            if is_switch
                && self.memory.trace.active
                && (self.is_watched(next) || self.is_watched(entered))
            {
                trace::event(&mut self.memory, abi::trace::kind::SWITCH, entered, next, 0);
            }
            self.current = next;
        }
        let contended = self.is_contended(next);
        self.events.program_timer(contended);
        frame_address(next.0)
    }
}

/// Whether a thread waits for somebody else, not for the kernel to deliver something to it.
fn current_waits(thread: &Thread) -> bool {
    thread.state != State::Ready
}

/// The state, for a thread at that address of the linear map which has just entered the kernel.
#[inline]
pub(crate) fn entered_by(thread: usize) -> &'static mut Kernel {
    // SAFETY: the vectors call this with interrupts masked, on the kernel stack; nothing else holds
    // a reference, since every holder returned before user mode was entered.
    let place = unsafe { &mut *KERNEL.0.get() };
    // SAFETY: no thread runs before `install` has filled it.
    let kernel = unsafe { place.assume_init_mut() };
    kernel.current = ThreadId((virt_to_phys_linear(thread) >> 12) as u32);
    kernel
}

/// Where the vectors enter, with the address of the current thread, whose registers are saved.
///
/// Returns the address of the thread to run; with bit 0 set if all its registers must be loaded
/// although it is the same.
pub(crate) extern "C" fn enter(thread: usize, esr: u64, far: u64, cause: Cause) -> usize {
    let kernel = entered_by(thread);
    let entered = kernel.current;
    let registers_changed = match cause {
        Cause::Synchronous => fault::synchronous(kernel, esr, far),
        Cause::Interrupt => interrupt::handle(kernel),
        Cause::SystemError => fault::system_error(kernel, esr),
    };
    let upcalls = kernel.memory.upcalls_done;
    let next = kernel.leave();
    let changed =
        registers_changed || kernel.memory.upcalls_done != upcalls || kernel.current != entered;
    next | usize::from(changed)
}

/// Kernel objects by their frame number, and the frame table that vouches for them.
pub(crate) struct Memory {
    /// What each frame is.
    pub(crate) frames: FrameTable<'static>,
    /// Upcalls prepared so far: each changes registers that a light return would not load.
    pub(crate) upcalls_done: u64,
    /// What is written down about messages.
    pub(crate) trace: Trace,
}

/// Objects that live in a frame of their own, and of which a frame of zeros is a valid one.
///
/// # Safety
/// All-zero bytes must be a value of the type.
pub(crate) unsafe trait Object {}

// SAFETY: integers and arrays of them; of its enums, `State::Ready` is 0; no references.
unsafe impl Object for Thread {}
// SAFETY: integers only.
unsafe impl Object for Endpoint {}
// SAFETY: integers, and slots, for which see below.
unsafe impl Object for Space {}
// SAFETY: integers, and `SlotKind::Empty` is 0.
unsafe impl Object for [Slot; PAGE_SLOTS] {}

/// Makes a frame that has just been claimed as `T`'s hold one, all zero. It is built in place,
/// because copying a page costs more than all else that creating an object does.
pub(crate) fn construct<T: Object>(frame: FrameNumber) -> &'static mut T {
    const { assert!(core::mem::size_of::<T>() <= abi::PAGE_BYTES as usize) };
    zero_frame(frame);
    // SAFETY: the frame table says that the frame is this object's alone; it is in the linear map,
    // page-aligned and large enough, and zero is a valid value (`Object`).
    unsafe { &mut *(frame_address(frame) as *mut T) }
}

/// The frame table of `count` frames from `first` on, in free RAM at physical address `place`.
pub(crate) fn frame_table(first: FrameNumber, count: usize, place: u64) -> FrameTable<'static> {
    let address = crate::arch::mmu::phys_to_virt(place) as *mut u64;
    // SAFETY: the boot took this RAM out of its supply for the table: it is in the linear map,
    // page-aligned, large enough and never used for anything else. Any bytes are `u64`s.
    let entries = unsafe { core::slice::from_raw_parts_mut(address, count) };
    FrameTable::new(first, entries)
}

/// The trace's ring, in `count` frames from `first` on.
pub(crate) fn trace_ring(first: FrameNumber, count: FrameNumber) -> &'static mut [Record] {
    (first..first + count).for_each(zero_frame);
    let records = count as usize * (abi::PAGE_BYTES as usize / abi::trace::RECORD_BYTES);
    // SAFETY: the frames have just been claimed for this, once and for all: they follow each other
    // in the linear map, page-aligned, and are nobody else's. Any bytes are a `Record`.
    unsafe { core::slice::from_raw_parts_mut(frame_address(first) as *mut Record, records) }
}

/// Writes what the root task is told to a frame that is mapped read-only there.
pub(crate) fn write_boot_info(frame: FrameNumber, info: BootInfo) {
    const { assert!(core::mem::size_of::<BootInfo>() <= abi::PAGE_BYTES as usize) };
    // SAFETY: a frame that the boot has just taken from its supply: in the linear map, aligned.
    unsafe { (frame_address(frame) as *mut BootInfo).write(info) };
}

impl Objects for Memory {
    fn thread(&mut self, id: ThreadId) -> &mut Thread {
        // SAFETY: a `ThreadId` in a slot, queue or endpoint names a live thread, made by
        // `construct`; `&mut self` keeps a second reference from being made meanwhile.
        unsafe { &mut *(frame_address(id.0) as *mut Thread) }
    }

    fn endpoint(&mut self, id: EndpointId) -> &mut Endpoint {
        // SAFETY: as for threads; endpoints are not destroyed while a slot names them.
        unsafe { &mut *(frame_address(id.0) as *mut Endpoint) }
    }

    fn space(&mut self, id: SpaceId) -> &mut Space {
        // SAFETY: as for threads; a space outlives its threads.
        unsafe { &mut *(frame_address(id.0) as *mut Space) }
    }

    fn is_thread(&self, frame: FrameNumber) -> bool {
        self.frames.is(frame, Kind::Thread)
    }

    fn trace(&mut self) -> &mut Trace {
        &mut self.trace
    }
}

impl SlotPages for Memory {
    fn slot_page(&mut self, frame: FrameNumber) -> &mut [Slot; PAGE_SLOTS] {
        // SAFETY: frames in a space's list of extensions are `Kind::Slots`, filled by `construct`.
        unsafe { &mut *(frame_address(frame) as *mut [Slot; PAGE_SLOTS]) }
    }
}

impl Memory {
    /// The frame table, the page tables and one space at the same time: they never overlap.
    pub(crate) fn with_space(
        &mut self,
        id: SpaceId,
    ) -> (&mut FrameTable<'static>, PageTables, &mut Space) {
        // SAFETY: as in `space`; the borrow of `self` covers both references, and a space's page
        // is not part of the frame table.
        let space = unsafe { &mut *(frame_address(id.0) as *mut Space) };
        (&mut self.frames, PageTables(()), space)
    }

    /// The page tables, to read.
    pub(crate) fn tables(&self) -> PageTables {
        PageTables(())
    }
}

/// Access to page-table memory through the linear map.
pub(crate) struct PageTables(());

impl PageTables {
    fn entry(frame: FrameNumber, index: usize) -> *mut u64 {
        (frame_address(frame) + index % kernel_core::page_table::ENTRIES * 8) as *mut u64
    }
}

impl Tables for PageTables {
    fn read(&self, frame: FrameNumber, index: usize) -> u64 {
        // SAFETY: table frames are claimed as such and hold nothing else; the hardware walker
        // reads them at the same time, hence volatile.
        unsafe { Self::entry(frame, index).read_volatile() }
    }

    fn write(&mut self, frame: FrameNumber, index: usize, entry: u64) {
        // SAFETY: as for `read`.
        unsafe { Self::entry(frame, index).write_volatile(entry) }
    }

    fn zero(&mut self, frame: FrameNumber) {
        zero_frame(frame);
    }
}

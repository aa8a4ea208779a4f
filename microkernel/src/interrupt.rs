//! Interrupts, endpoint timers and time slices: everything that happens by itself.
//!
//! Tickless: the timer is programmed for the nearest of the endpoints' deadlines and, only while
//! an equal thread is ready, the end of the time slice.

use abi::Error;
use abi::message::notify;
use kernel_core::object::{EndpointId, Objects, ThreadId};
use kernel_core::thread::flag;
use kernel_core::trace;

use crate::arch::{self, timer};
use crate::driver::interrupts;
use crate::kernel::{Kernel, Memory};
use crate::syscall::LIGHT;

/// Most interrupts that servers can bind.
const BINDINGS: usize = 32;
/// A time slice is a second / this.
const SLICES_PER_SECOND: u64 = 100;

/// An interrupt and who is told.
#[derive(Clone, Copy)]
struct Binding {
    irq: u32,
    endpoint: EndpointId,
    bits: u64,
}

/// Timers, slices and bindings.
pub(crate) struct Events {
    bindings: [Option<Binding>; BINDINGS],
    timers: EndpointId,
    earliest: u64,
    armed: u64,
    /// When the slice of `slice_owner` ends; `u64::MAX` while nobody equal is ready.
    slice_end: u64,
    /// The thread whose slice it is. It keeps it while servers work for it.
    slice_owner: ThreadId,
    /// The timer may have to be programmed anew.
    pub(crate) changed: bool,
    /// The current thread's slice is over.
    pub(crate) turn_over: bool,
    /// While interrupts are handled: the number in the trace of the present one, 0 if not traced.
    pub(crate) interrupt_span: Option<u32>,
}

impl Events {
    /// Nothing is bound or armed.
    pub(crate) const fn new() -> Events {
        Events {
            bindings: [None; BINDINGS],
            timers: EndpointId::NONE,
            earliest: u64::MAX,
            armed: u64::MAX,
            slice_end: u64::MAX,
            slice_owner: ThreadId::NONE,
            changed: false,
            turn_over: false,
            interrupt_span: None,
        }
    }

    /// A thread's turn comes: its slice begins when somebody equal is ready.
    pub(crate) fn new_slice(&mut self, owner: ThreadId) {
        self.slice_end = u64::MAX;
        self.slice_owner = owner;
    }

    /// The thread whose slice it is, if the slice does not run yet.
    pub(crate) fn waiting_slice(&self) -> ThreadId {
        match self.slice_end {
            u64::MAX => self.slice_owner,
            _ => ThreadId::NONE,
        }
    }

    /// The thread whose slice it is.
    pub(crate) fn slice_owner(&self) -> ThreadId {
        self.slice_owner
    }

    /// The slice goes on with another thread.
    pub(crate) fn hand_slice(&mut self, id: ThreadId) {
        self.slice_owner = id;
    }

    /// That thread ends, or starts anew.
    pub(crate) fn forget_slice(&mut self, id: ThreadId) {
        if self.slice_owner == id {
            self.new_slice(ThreadId::NONE);
        }
    }

    /// Sends interrupt `irq` to an endpoint from now on.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the controller has no such interrupt or it is the kernel's timer,
    /// [`Error::NoSlot`] if too many are bound.
    pub(crate) fn bind(&mut self, irq: u32, endpoint: EndpointId, bits: u64) -> Result<(), Error> {
        if !interrupts::exists(irq) || irq == timer::irq() {
            return Err(Error::Invalid);
        }
        let same = |binding: &Option<Binding>| binding.is_none_or(|binding| binding.irq == irq);
        let place = self
            .bindings
            .iter_mut()
            .find(|binding| same(binding))
            .ok_or(Error::NoSlot)?;
        *place = Some(Binding {
            irq,
            endpoint,
            bits,
        });
        Ok(())
    }

    /// Whether a server bound that interrupt.
    pub(crate) fn is_bound(&self, irq: u32) -> bool {
        self.binding(irq).is_some()
    }

    /// Whether an interrupt goes to that endpoint.
    pub(crate) fn names(&self, id: EndpointId) -> bool {
        self.bindings
            .iter()
            .flatten()
            .any(|binding| binding.endpoint == id)
    }

    fn binding(&self, irq: u32) -> Option<Binding> {
        self.bindings
            .iter()
            .flatten()
            .find(|binding| binding.irq == irq)
            .copied()
    }

    /// Sets an endpoint's timer.
    pub(crate) fn set_timer(&mut self, memory: &mut Memory, id: EndpointId, deadline: u64) {
        let endpoint = memory.endpoint(id);
        endpoint.deadline = deadline;
        if endpoint.in_timers == 0 {
            endpoint.in_timers = 1;
            endpoint.next_timer = self.timers;
            self.timers = id;
        }
        (self.earliest, _) = self.scan(memory, 0);
        self.changed = true;
    }

    /// The earliest deadline, and the first endpoint whose deadline has passed at `now`.
    fn scan(&self, memory: &mut Memory, now: u64) -> (u64, Option<EndpointId>) {
        let (mut earliest, mut due, mut id) = (u64::MAX, None, self.timers);
        while id.is_some() {
            let endpoint = memory.endpoint(id);
            earliest = earliest.min(endpoint.deadline);
            if endpoint.deadline <= now {
                due = Some(id);
            }
            id = endpoint.next_timer;
        }
        (earliest, due)
    }

    /// Programs the timer for what comes next.
    pub(crate) fn program_timer(&mut self, contended: bool) {
        self.changed = false;
        if contended && self.slice_end == u64::MAX {
            self.slice_end = timer::now() + timer::frequency_hz() / SLICES_PER_SECOND;
        }
        // A slice that runs goes on while a server works for its owner.
        let next = self.earliest.min(self.slice_end);
        if next == self.armed {
            return;
        }
        self.armed = next;
        match next {
            u64::MAX => timer::disarm(),
            deadline => timer::arm(deadline),
        }
    }
}

/// Handles all interrupts that are pending; says what it did to the current thread's registers.
#[inline(never)]
pub(crate) fn handle(kernel: &mut Kernel) -> bool {
    while let Some(irq) = interrupts::acknowledge() {
        kernel.counters.interrupts += 1;
        kernel.events.interrupt_span = Some(0);
        if kernel.memory.trace.all {
            let current = kernel.current;
            kernel.events.interrupt_span =
                Some(trace::interrupted(&mut kernel.memory, current, irq));
        }
        if irq == timer::irq() {
            time_passed(kernel);
        } else {
            interrupts::disable(irq);
            if let Some(binding) = kernel.events.binding(irq) {
                kernel.signal(binding.endpoint, binding.bits);
            }
        }
        interrupts::end(irq);
        kernel.events.interrupt_span = None;
    }
    LIGHT
}

/// The timer fired: deadlines and slices that are over take effect.
fn time_passed(kernel: &mut Kernel) {
    let now = timer::now();
    kernel.events.armed = u64::MAX;
    kernel.events.changed = true;
    timer::disarm();
    while let (_, Some(id)) = kernel.events.scan(&mut kernel.memory, now) {
        kernel.memory.endpoint(id).deadline = u64::MAX;
        kernel.signal(id, notify::TIMER);
    }
    (kernel.events.earliest, _) = kernel.events.scan(&mut kernel.memory, now);
    if now >= kernel.events.slice_end {
        kernel.events.slice_end = u64::MAX;
        let owner = kernel.events.slice_owner;
        if owner == kernel.current {
            kernel.events.turn_over = true;
        } else if owner.is_some() {
            kernel.memory.thread(owner).flags |= flag::EXPIRED;
        }
    }
}

/// Waits for an interrupt with nobody ready, and handles it.
pub(crate) fn wait(kernel: &mut Kernel) {
    kernel.events.program_timer(false);
    arch::wait_for_interrupt();
    handle(kernel);
}

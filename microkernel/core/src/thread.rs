//! A thread: its registers and what it waits for. One page each.
//!
//! The first part's layout is known to `arch/aarch64/vectors.s`; a test below holds its offsets.

use crate::object::{EndpointId, SpaceId, ThreadId};
use abi::thread::Registers;
use abi::{Badge, Error, Lease, Message, Token};

/// What a thread waits for. Suspension is a flag of its own, so that a wait goes on meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// For nothing: it runs, or is in the run queue, or is suspended.
    Ready = 0,
    /// For a server to hear it: it is in the endpoint's queue.
    Sending = 1,
    /// For a server's reply.
    AwaitingReply = 2,
    /// For a message: it is the endpoint's receiver.
    Receiving = 3,
    /// To be started.
    Inactive = 4,
}

/// Flags; while any is set the fast path leaves the thread alone.
pub mod flag {
    /// Does not run until resumed.
    pub const SUSPENDED: u32 = 1;
    /// An upcall is due before the next instruction in user mode.
    pub const KICKED: u32 = 2;
    /// In the run queue.
    pub const QUEUED: u32 = 4;
    /// Its message is the kernel's own (`kernel_message`), not what its registers hold.
    pub const KERNEL_MESSAGE: u32 = 8;
    /// The kernel's message is a page fault that may still become an exception.
    pub const PAGE_FAULT: u32 = 16;
    /// Passes a handle along with its message (`passed_handle`).
    pub const WITH_HANDLE: u32 = 32;
    /// Its messages are traced.
    pub const TRACED: u32 = 64;
    /// Works on a traced message, so that its own are traced meanwhile.
    pub const FOLLOWED: u32 = 128;
    /// Its time slice ended while a server worked for it: others go first when its wait ends.
    pub const EXPIRED: u32 = 256;
}

/// Where a thread wants its upcalls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Upcall {
    /// First instruction; 0 for no upcalls.
    pub entry: u64,
    /// Stack pointer at the entry.
    pub stack: u64,
    /// Address of its `abi::thread::Block`.
    pub block: u64,
    /// What is being handled: [`handling`]. While it is not 0 no other upcall may happen.
    pub active: u64,
    /// First instruction for Linux calls (`svc #0`); 0 if they are exceptions.
    pub linux_entry: u64,
    /// Where a Linux call was made. The vector keeps these, so that a call touches no user memory.
    pub call: CallSite,
}

/// Values of [`Upcall::active`].
pub mod handling {
    /// Nothing.
    pub const NOTHING: u64 = 0;
    /// An upcall whose registers are in the block.
    pub const BLOCK: u64 = 1;
    /// A Linux call: what `libsys` cannot preserve itself is in [`super::Upcall::call`].
    pub const LINUX_CALL: u64 = 2;
}

/// The registers that change on the way from a Linux call to `libsys`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct CallSite {
    /// Behind the `svc`.
    pub pc: u64,
    /// The program's stack pointer, which may be anything.
    pub sp: u64,
    /// The program's flags.
    pub pstate: u64,
    /// x16 and x17, with which the vector works.
    pub scratch: [u64; 2],
}

/// A thread.
#[repr(C)]
pub struct Thread {
    /// Registers while it does not run. After a message call only x18 and up are valid: the others
    /// are results, written when the wait ends.
    pub registers: Registers,
    /// `TPIDR_EL0`.
    pub tpidr: u64,
    /// `TPIDRRO_EL0`.
    pub tpidrro: u64,
    /// Value for `CPACR_EL1`: vector registers trap unless this thread owns them.
    pub cpacr: u64,
    /// Value for `TTBR0_EL1`: root table and ASID of its space.
    pub ttbr0: u64,
    /// Linear-map address of its space's handle table.
    pub handles: u64,
    /// Leases of the call that it waits for: address, length word, twice.
    pub leases: [Lease; 2],
    /// Number of its present or last call (low 32 bits of the token) ...
    pub sequence: u32,
    /// ... and what it waits for. The vector writes both with one store.
    pub state: State,
    /// [`flag`] bits.
    pub flags: u32,
    /// 0 (lowest) to 31.
    pub priority: u32,
    /// The endpoint that it waits at, or whose server it awaits.
    pub endpoint: EndpointId,
    /// Its address space.
    pub space: SpaceId,
    /// Next in the queue that it is in.
    pub next: ThreadId,
    /// Previous in the queue that it is in.
    pub previous: ThreadId,
    /// Badge that its present call carries.
    pub badge: Badge,
    /// Distinguishes this thread from earlier ones in the same frame.
    pub serial: u64,
    /// CPU time used, in counter ticks.
    pub cpu_ticks: u64,
    /// Where its exceptions go.
    pub exceptions: EndpointId,
    /// Handle that it passes with its message (index in its own table).
    pub passed_handle: u32,
    /// Badge of its exceptions.
    pub exception_badge: u64,
    /// Its upcalls.
    pub upcall: Upcall,
    /// A word that the thread changes itself ...
    pub mask: u64,
    /// ... and what it may not clear in it, as whoever controls the thread said.
    pub pinned: u64,
    /// The kernel's message on its behalf, when [`flag::KERNEL_MESSAGE`] is set.
    pub kernel_message: Message,
    /// Number of its present message in the trace.
    pub span: u32,
    /// The message in the trace that it works on; 0 for none.
    pub cause: u32,
    /// Whose page tables it uses: its own space's, or those of a program that lends it its memory.
    pub memory: SpaceId,
    /// Unused.
    pub reserved: u32,
    /// 1 once it has used vector registers, so that `vector` means something.
    pub has_vector: u64,
    /// Vector registers q0-q31, then FPSR and FPCR, when not in the processor.
    pub vector: VectorState,
}

/// q0-q31 as pairs of 64-bit halves, FPSR, FPCR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct VectorState {
    /// q0 to q31.
    pub q: [u128; 32],
    /// `FPSR`.
    pub fpsr: u64,
    /// `FPCR`.
    pub fpcr: u64,
}

impl VectorState {
    /// All zero, as a program finds it at its start.
    pub const ZERO: VectorState = VectorState {
        q: [0; 32],
        fpsr: 0,
        fpcr: 0,
    };
}

/// Mode bits of `SPSR_EL1` that a thread starts with: EL0, AArch64, nothing masked.
pub const USER_PSTATE: u64 = 0;
/// The condition flags, which alone user space may choose in `pstate` (N, Z, C, V).
pub const PSTATE_FLAGS: u64 = 0xf000_0000;

/// Tokens of earlier threads in the same frame must not fit: each starts somewhere else.
fn first_sequence(serial: u64) -> u32 {
    (serial as u32).wrapping_mul(0x9e37_79b1)
}

impl Thread {
    /// An inactive thread of `space`.
    pub fn new(space: SpaceId, priority: u32, serial: u64) -> Thread {
        Thread {
            registers: Registers {
                x: [0; 31],
                sp: 0,
                pc: 0,
                pstate: USER_PSTATE,
            },
            tpidr: 0,
            tpidrro: 0,
            cpacr: 0,
            ttbr0: 0,
            handles: 0,
            leases: [Lease::NONE; 2],
            sequence: first_sequence(serial),
            state: State::Inactive,
            flags: 0,
            priority,
            endpoint: EndpointId::NONE,
            space,
            next: ThreadId::NONE,
            previous: ThreadId::NONE,
            badge: Badge(0),
            serial,
            cpu_ticks: 0,
            exceptions: EndpointId::NONE,
            passed_handle: 0,
            exception_badge: 0,
            upcall: Upcall::default(),
            mask: 0,
            pinned: 0,
            kernel_message: Message::default(),
            span: 0,
            cause: 0,
            memory: space,
            reserved: 0,
            has_vector: 0,
            vector: VectorState::ZERO,
        }
    }

    /// Makes a thread of zeros what [`Self::new`] returns, without moving a page around.
    pub fn init(&mut self, space: SpaceId, priority: u32, serial: u64) {
        self.sequence = first_sequence(serial);
        self.state = State::Inactive;
        self.priority = priority;
        self.space = space;
        self.memory = space;
        self.serial = serial;
    }

    /// Changes the mask on the thread's own behalf: keeps bits, then sets others. Returns the old one.
    ///
    /// # Errors
    /// [`Error::Denied`] if a pinned bit would be clear; nothing is changed.
    pub fn change_mask(&mut self, keep: u64, set: u64) -> Result<u64, Error> {
        let new = self.mask & keep | set;
        if self.pinned & !new != 0 {
            return Err(Error::Denied);
        }
        Ok(core::mem::replace(&mut self.mask, new))
    }

    /// Changes the mask on behalf of who controls the thread, and pins other bits. Returns the old one.
    pub fn set_mask(&mut self, keep: u64, set: u64, pinned: u64) -> u64 {
        self.pinned = pinned;
        let new = self.mask & keep | set;
        core::mem::replace(&mut self.mask, new)
    }

    /// The token of the call that this thread, whose name is `id`, waits for.
    #[inline]
    pub fn token(&self, id: ThreadId) -> Token {
        Token(u64::from(id.0) << 32 | u64::from(self.sequence))
    }

    /// Whether a flag is set.
    #[inline]
    pub fn has(&self, bits: u32) -> bool {
        self.flags & bits != 0
    }

    /// The message that it sends: the kernel's on its behalf, or its registers.
    #[inline]
    pub fn message(&self) -> Message {
        if self.has(flag::KERNEL_MESSAGE) {
            return self.kernel_message;
        }
        let mut words = [0; abi::WORDS];
        words.copy_from_slice(&self.registers.x[2..10]);
        Message {
            label: self.registers.x[1],
            words,
        }
    }

    /// Sets the results of a kernel call: everything that is not a result becomes 0, so that
    /// nothing leaks.
    #[inline]
    pub fn set_results(&mut self, error: u64, message: &Message) {
        self.registers.x[0] = error;
        self.registers.x[1] = message.label;
        self.registers.x[2..10].copy_from_slice(&message.words);
        self.registers.x[10..18].fill(0);
    }

    /// Sets what a receiver gets besides the message: badge, token, the leases' length words and
    /// the handle that arrived.
    #[inline]
    pub fn set_origin(&mut self, badge: Badge, token: Token, leases: [Lease; 2], handle: u32) {
        self.registers.x[10] = badge.0;
        self.registers.x[11] = token.0;
        self.registers.x[12] = leases[0].length;
        self.registers.x[13] = leases[1].length;
        self.registers.x[16] = u64::from(handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn a_thread_fits_a_page_and_has_the_layout_of_the_vectors() {
        assert!(size_of::<Thread>() <= 4096);
        assert_eq!(offset_of!(Thread, tpidr), 272);
        assert_eq!(offset_of!(Thread, tpidrro), 280);
        assert_eq!(offset_of!(Thread, cpacr), 288);
        assert_eq!(offset_of!(Thread, ttbr0), 296);
        assert_eq!(offset_of!(Thread, handles), 304);
        assert_eq!(offset_of!(Thread, leases), 312);
        assert_eq!(offset_of!(Thread, sequence), 344);
        assert_eq!(offset_of!(Thread, state), 348);
        assert_eq!(offset_of!(Thread, flags), 352);
        assert_eq!(offset_of!(Thread, priority), 356);
        assert_eq!(offset_of!(Thread, endpoint), 360);
    }

    #[test]
    fn a_thread_in_a_used_frame_answers_no_old_token() {
        let old = Thread::new(SpaceId(1), 1, 1).token(ThreadId(7));
        let new = Thread::new(SpaceId(1), 1, 2).token(ThreadId(7));
        assert_ne!(old, new);
    }

    #[test]
    fn a_thread_built_in_place_is_the_same_as_a_new_one() {
        let new = Thread::new(SpaceId(4), 9, 77);
        let mut built = Thread {
            sequence: 0,
            state: State::Ready,
            ..Thread::new(SpaceId(0), 0, 0)
        };
        built.init(SpaceId(4), 9, 77);
        assert_eq!(
            (built.sequence, built.state, built.priority),
            (new.sequence, new.state, new.priority)
        );
        assert_eq!((built.space, built.serial), (new.space, new.serial));
        assert_eq!(built.memory, new.memory);
    }

    #[test]
    fn a_thread_changes_its_mask_but_clears_nothing_that_is_pinned() {
        let mut thread = Thread::new(SpaceId(1), 1, 1);
        assert_eq!(thread.change_mask(u64::MAX, 0b110), Ok(0));
        assert_eq!(thread.change_mask(!0b010, 0b001), Ok(0b110));
        assert_eq!(thread.set_mask(u64::MAX, 0, 0b100), 0b101, "only pins");
        assert_eq!(thread.change_mask(0, 0b011), Err(Error::Denied));
        assert_eq!(thread.change_mask(!0b100, 0), Err(Error::Denied));
        assert_eq!(
            thread.change_mask(0, 0b100),
            Ok(0b101),
            "nothing was changed"
        );
        assert_eq!(thread.set_mask(0, 0b1000, 0), 0b100, "who pinned it may");
        assert_eq!(thread.change_mask(0, 0), Ok(0b1000));
    }

    #[test]
    fn results_leave_nothing_of_the_kernel_in_scratch_registers() {
        let mut thread = Thread::new(SpaceId(1), 1, 1);
        thread.registers.x = [0xdead; 31];
        thread.set_results(
            0,
            &Message {
                label: 5,
                words: [1; 8],
            },
        );
        assert_eq!(thread.registers.x[1], 5);
        assert_eq!(&thread.registers.x[10..18], &[0; 8]);
        assert_eq!(thread.registers.x[18], 0xdead, "preserved by the call");
    }
}

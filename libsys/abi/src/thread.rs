//! Registers of a thread and the block through which the kernel hands them to `libsys`.

/// The general registers of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Registers {
    /// x0 to x30.
    pub x: [u64; 31],
    /// Stack pointer (`SP_EL0`).
    pub sp: u64,
    /// Next instruction (`ELR_EL1`).
    pub pc: u64,
    /// Flags and mode (`SPSR_EL1`).
    pub pstate: u64,
}

/// A thread's block: where an upcall leaves what was interrupted, and resume takes it from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct Block {
    /// The registers at the upcall.
    pub registers: Registers,
    /// Why the upcall happened: an [`upcall`] number.
    pub reason: u64,
    /// Free for libsys, but for [`crate::call::THREAD_SPAWN`], which takes the thread pointer from
    /// the first word.
    pub user: [u64; 5],
}

/// Reasons of an upcall. At the entry x0 is the block's address, sp the registered stack.
pub mod upcall {
    /// The thread executed `svc #0`: a Linux call. The kernel leaves the block alone then; `libsys`
    /// writes this where it uses the block for both.
    pub const LINUX_CALL: u64 = 0;
    /// The thread was kicked: a signal may wait.
    pub const KICKED: u64 = 1;
}

/// What a thread does, as the kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum RunState {
    /// Not started, or ended.
    Inactive = 0,
    /// Runs or is ready to.
    Ready = 1,
    /// Waits to be heard by a server.
    Sending = 2,
    /// Waits for a server's reply.
    AwaitingReply = 3,
    /// Waits for a message.
    Receiving = 4,
    /// Waits for its pager or exception handler.
    Faulted = 5,
    /// Suspended while otherwise ready.
    Suspended = 6,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_has_the_layout_that_the_vectors_write() {
        assert_eq!(core::mem::offset_of!(Registers, sp), 248);
        assert_eq!(core::mem::offset_of!(Registers, pc), 256);
        assert_eq!(core::mem::offset_of!(Registers, pstate), 264);
        assert_eq!(core::mem::size_of::<Block>(), 320);
    }
}

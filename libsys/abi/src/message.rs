//! Messages as they travel in registers.

/// Words in a message, besides its label.
pub const WORDS: usize = 8;

/// What the receiver knows of a sender: the badge that its handle was minted with. Programs have
/// their process id here. Bit 63 marks messages of the kernel itself and cannot be minted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Badge(pub u64);

impl Badge {
    /// Set in the badge of messages that the kernel wrote (faults, exceptions, notifications).
    pub const KERNEL: u64 = 1 << 63;

    /// Whether the kernel itself is the sender.
    pub const fn is_kernel(self) -> bool {
        self.0 & Self::KERNEL != 0
    }

    /// The number without the kernel's mark.
    pub const fn number(self) -> u64 {
        self.0 & !Self::KERNEL
    }
}

/// Names a caller that waits for a reply. 0 is no token.
///
/// High 32 bits: the number of the frame that the thread lives in; low 32 bits: a sequence number, so that a token of an answered call never fits a later one.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
#[repr(transparent)]
pub struct Token(pub u64);

impl Token {
    /// No caller.
    pub const NONE: Token = Token(0);

    /// Number of the frame that the caller's thread lives in: tells the threads of a process apart.
    pub const fn thread_frame(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// State of a token's caller, as [`crate::call::TOKEN_STATE`] returns it in `x1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum TokenState {
    /// The caller waits.
    Waiting = 0,
    /// The caller waits and was kicked: if its request is parked, answer it with `EINTR` now.
    Interrupted = 1,
    /// Nobody waits for this reply any more.
    Gone = 2,
}

/// A range of the caller's memory that the receiver may copy from or to until it replies.
///
/// In registers: the address, then the length in bytes with [`Lease::READ`] and [`Lease::WRITE`]
/// in its top bits. A length word of 0 is no lease. The receiver sees the length word only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Lease {
    /// First byte, in the caller's space.
    pub address: u64,
    /// Length in bytes (bits 0-47) and access bits.
    pub length: u64,
}

impl Lease {
    /// The receiver may copy from the range.
    pub const READ: u64 = 1 << 63;
    /// The receiver may copy to the range.
    pub const WRITE: u64 = 1 << 62;
    /// The bits that hold the length.
    pub const LENGTH: u64 = (1 << 48) - 1;
    /// No lease.
    pub const NONE: Lease = Lease {
        address: 0,
        length: 0,
    };

    /// Length of the range in bytes.
    pub const fn bytes(self) -> usize {
        (self.length & Self::LENGTH) as usize
    }
}

/// Label and words of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Message {
    /// What is asked, or how it went.
    pub label: u64,
    /// The arguments; unused ones are 0, so that two runs give equal traces.
    pub words: [u64; WORDS],
}

/// Labels of the kernel's own messages (their badge has [`Badge::KERNEL`]).
pub mod label {
    /// Page fault, to the space's pager. Words: address, [`super::access`] bits, pc, thread's
    /// exception badge. Reply label 0: try again; anything else is a [`super::decline`] code, and
    /// the kernel passes the fault on as an [`EXCEPTION`].
    pub const PAGE_FAULT: u64 = 1;
    /// Another exception, or a declined page fault, to the thread's exception endpoint. Words:
    /// `ESR_EL1`, `FAR_EL1`, pc, decline code (0 if none), sp, x30, access bits. Reply label 0: resume.
    pub const EXCEPTION: u64 = 2;
    /// Notification bits (word 0). Token is 0: there is nobody to reply to.
    pub const NOTIFICATION: u64 = 3;
}

/// Bits of a page fault's access word.
pub mod access {
    /// The access was a write (else a read or a fetch).
    pub const WRITE: u64 = 1;
    /// The access was an instruction fetch.
    pub const EXECUTE: u64 = 2;
    /// A translation was there and its permissions did not allow the access.
    pub const PRESENT: u64 = 4;
}

/// Why a pager declines a fault; the numbers are the `si_code` and signal they lead to.
pub mod decline {
    /// Nothing is mapped there: `SIGSEGV`, `SEGV_MAPERR`.
    pub const NOT_MAPPED: u64 = 1;
    /// The mapping does not allow it: `SIGSEGV`, `SEGV_ACCERR`.
    pub const NOT_ALLOWED: u64 = 2;
    /// The object has no such page: `SIGBUS`, `BUS_ADRERR`.
    pub const NO_OBJECT: u64 = 3;
    /// Memory ran out: the process is ended with `SIGKILL`.
    pub const NO_MEMORY: u64 = 4;
}

/// Notification bits with a fixed meaning; a server's own start at [`notify::FIRST_FREE`].
pub mod notify {
    /// The endpoint's timer ran out.
    pub const TIMER: u64 = 1 << 0;
    /// A caller of this endpoint was interrupted or died: check the tokens of parked requests.
    pub const CANCELLED: u64 = 1 << 1;
    /// First bit that servers may give a meaning.
    pub const FIRST_FREE: u32 = 8;
}

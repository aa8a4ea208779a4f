//! The frame that a signal handler finds on its stack: `struct rt_sigframe` of Linux/AArch64.
//!
//! From the stack pointer upwards: `siginfo` (128 bytes), `ucontext` (4560), and behind it a frame
//! record (x29, x30), so that debuggers can walk on (Linux: arch/arm64/kernel/signal.c).

use crate::bytes::{get_u32, get_u64, put_u32, put_u64};
use abi::thread::Registers;

/// Bytes of the frame, without the frame record.
pub const BYTES: usize = INFO_BYTES + 4560;
/// Bytes of the frame record.
pub const RECORD_BYTES: usize = 16;
/// Bytes of a `siginfo`.
pub const INFO_BYTES: usize = 128;
/// Where the context starts.
pub const CONTEXT: usize = INFO_BYTES;
/// Bytes of the vector state: `fpsr`, `fpcr`, 32 registers.
pub const VECTOR_BYTES: usize = 8 + 32 * 16;

const STACK: usize = CONTEXT + 16;
const MASK: usize = CONTEXT + 40;
const MACHINE: usize = CONTEXT + 176;
const REGISTERS: usize = MACHINE + 8;
/// Records of the machine context that not every processor has.
const RECORDS: usize = MACHINE + 288;
const RECORDS_BYTES: usize = 4096;
const FPSIMD_MAGIC: u32 = 0x4650_8001;
const FPSIMD_BYTES: u32 = 8 + VECTOR_BYTES as u32;

/// The stack for handlers (`sigaltstack`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlternateStack {
    /// Lowest address.
    pub address: u64,
    /// `SS_` bits.
    pub flags: u32,
    /// Bytes.
    pub bytes: u64,
}

/// There is no alternate stack.
pub const SS_DISABLE: u32 = 2;
/// The thread runs on it.
pub const SS_ONSTACK: u32 = 1;

impl AlternateStack {
    /// `stack_t`.
    pub fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        put_u64(&mut bytes, 0, self.address);
        put_u32(&mut bytes, 8, self.flags);
        put_u64(&mut bytes, 16, self.bytes);
        bytes
    }

    /// The inverse of [`AlternateStack::to_bytes`].
    pub fn from_bytes(bytes: &[u8; 24]) -> Self {
        Self {
            address: get_u64(bytes, 0),
            flags: get_u32(bytes, 8),
            bytes: get_u64(bytes, 16),
        }
    }

    /// Whether a stack pointer is inside.
    pub fn holds(&self, sp: u64) -> bool {
        self.flags & SS_DISABLE == 0 && sp > self.address && sp - self.address <= self.bytes
    }
}

/// What a signal tells its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its number.
    pub number: u32,
    /// `si_code`.
    pub code: i32,
    /// Sender: pid, and user in the high half.
    pub sender: u64,
    /// Value, status, or address.
    pub value: u64,
}

const SIGILL: u32 = 4;
const SIGTRAP: u32 = 5;
const SIGBUS: u32 = 7;
const SIGFPE: u32 = 8;
const SIGSEGV: u32 = 11;
const SIGCHLD: u32 = 17;

impl Signal {
    /// Whether an instruction of the program caused it.
    fn is_fault(&self) -> bool {
        self.code > 0 && matches!(self.number, SIGILL | SIGTRAP | SIGBUS | SIGFPE | SIGSEGV)
    }

    /// Writes `siginfo` to the start of `bytes`.
    pub fn write(&self, bytes: &mut [u8]) {
        put_u32(bytes, 0, self.number);
        put_u32(bytes, 8, self.code as u32);
        if self.is_fault() {
            return put_u64(bytes, 16, self.value);
        }
        put_u64(bytes, 16, self.sender);
        if self.number == SIGCHLD && self.code > 0 {
            put_u32(bytes, 24, self.value as u32);
        } else {
            put_u64(bytes, 24, self.value);
        }
    }
}

/// What goes into a frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The signal.
    pub signal: Signal,
    /// The registers to go on with.
    pub registers: &'a Registers,
    /// The mask to go on with.
    pub mask: u64,
    /// The alternate stack, as `sigaltstack` would tell it.
    pub stack: AlternateStack,
}

/// Where the vector state is in a frame.
pub const VECTOR: usize = RECORDS + 8;
/// So many bytes of a frame have a meaning; then come places for records of other processors, which are
/// neither written nor, unless a program put any there, read.
pub const USED_BYTES: usize = VECTOR + VECTOR_BYTES + 8;

impl Frame<'_> {
    /// Writes the frame, all but the vector state (at [`VECTOR`]), to `bytes`, which are zero.
    #[inline(always)]
    pub fn write(&self, bytes: &mut [u8; USED_BYTES]) {
        self.signal.write(bytes);
        let stack = self.stack.to_bytes();
        crate::bytes::put(bytes, STACK, &stack);
        put_u64(bytes, MASK, self.mask);
        if self.signal.is_fault() {
            put_u64(bytes, MACHINE, self.signal.value);
        }
        let registers = self.registers;
        let tail = [registers.sp, registers.pc, registers.pstate];
        for (index, word) in registers.x.iter().chain(&tail).enumerate() {
            put_u64(bytes, REGISTERS + 8 * index, *word);
        }
        put_u32(bytes, RECORDS, FPSIMD_MAGIC);
        put_u32(bytes, RECORDS + 4, FPSIMD_BYTES);
    }

    /// The frame record, which lies behind the frame.
    pub fn record(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        put_u64(&mut bytes, 0, self.registers.x[29]);
        put_u64(&mut bytes, 8, self.registers.x[30]);
        bytes
    }
}

/// What a handler left in its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Registers to go on with.
    pub registers: Registers,
    /// Mask to go on with.
    pub mask: u64,
    /// The alternate stack to go on with.
    pub stack: AlternateStack,
    /// Where the vector state is, if the frame has one.
    pub vector: Option<usize>,
}

/// Reads a frame back, or as much of it as is there; `None` if it is damaged or its records go on.
pub fn read(bytes: &[u8]) -> Option<Context> {
    let word = |index: usize| get_u64(bytes, REGISTERS + 8 * index);
    let mut stack = [0; 24];
    stack.copy_from_slice(bytes.get(STACK..STACK + 24)?);
    Some(Context {
        registers: Registers {
            x: core::array::from_fn(word),
            sp: word(31),
            pc: word(32),
            pstate: word(33),
        },
        mask: get_u64(bytes, MASK),
        stack: AlternateStack::from_bytes(&stack),
        vector: vector(bytes)?,
    })
}

/// Finds the vector state among the records; the outer `None` is for records that make no sense.
fn vector(bytes: &[u8]) -> Option<Option<usize>> {
    let end = bytes.len().min(RECORDS + RECORDS_BYTES);
    let mut at = RECORDS;
    while at + 8 <= end {
        let (magic, size) = (get_u32(bytes, at), get_u32(bytes, at + 4) as usize);
        match (magic, size) {
            (0, 0) => return Some(None),
            (FPSIMD_MAGIC, size) if size == FPSIMD_BYTES as usize && at + size <= end => {
                return Some(Some(at + 8));
            }
            (_, size) if size < 16 || !size.is_multiple_of(16) => return None,
            (_, size) => at = at.checked_add(size)?,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registers() -> Registers {
        Registers {
            x: core::array::from_fn(|index| 100 + index as u64),
            sp: 0x7000,
            pc: 0x40_0000,
            pstate: 0x6000_0000,
        }
    }

    fn written(signal: Signal) -> [u8; BYTES + RECORD_BYTES] {
        let mut bytes = [0; BYTES + RECORD_BYTES];
        let frame = Frame {
            signal,
            registers: &registers(),
            mask: 0x1234,
            stack: AlternateStack::default(),
        };
        frame.write(bytes.first_chunk_mut().expect("a frame is longer"));
        bytes[BYTES..].copy_from_slice(&frame.record());
        bytes
    }

    const KILLED: Signal = Signal {
        number: 10,
        code: 0,
        sender: 7 | 1000 << 32,
        value: 0,
    };

    /// Offsets as a C compiler for AArch64 Linux gives them for `ucontext_t` and `siginfo_t`.
    #[test]
    fn the_frame_has_linuxs_layout() {
        let bytes = written(KILLED);
        assert_eq!(BYTES, 4688);
        assert_eq!(
            (get_u32(&bytes, 0), get_u32(&bytes, 16), get_u32(&bytes, 20)),
            (10, 7, 1000)
        );
        assert_eq!(get_u64(&bytes, 128 + 40), 0x1234);
        assert_eq!(get_u64(&bytes, 128 + 176 + 8), 100, "x0");
        assert_eq!(get_u64(&bytes, 128 + 176 + 256), 0x7000, "sp");
        assert_eq!(get_u64(&bytes, 128 + 176 + 264), 0x40_0000, "pc");
        assert_eq!(get_u64(&bytes, 128 + 176 + 272), 0x6000_0000, "pstate");
        assert_eq!(get_u32(&bytes, 128 + 176 + 288), 0x4650_8001);
        assert_eq!(get_u32(&bytes, 128 + 176 + 292), 528);
        assert_eq!(get_u64(&bytes, 4688), 129, "x29 in the frame record");
    }

    #[test]
    fn a_frame_comes_back_as_it_was() {
        let bytes = written(KILLED);
        let mut frame = [0; BYTES];
        frame.copy_from_slice(&bytes[..BYTES]);
        let context = read(&frame).expect("a good frame");
        assert_eq!(context.registers, registers());
        assert_eq!((context.mask, context.vector), (0x1234, Some(VECTOR)));
        assert_eq!(read(&frame[..USED_BYTES]), Some(context));
    }

    #[test]
    fn records_that_go_on_behind_what_was_written_need_the_whole_frame() {
        let bytes = written(KILLED);
        let mut frame = [0; BYTES];
        frame.copy_from_slice(&bytes[..BYTES]);
        frame.copy_within(RECORDS..RECORDS + FPSIMD_BYTES as usize, RECORDS + 32);
        put_u32(&mut frame, RECORDS, 0x1234_5678);
        put_u32(&mut frame, RECORDS + 4, 32);
        assert_eq!(read(&frame[..USED_BYTES]), None);
        let context = read(&frame).expect("a good frame");
        assert_eq!(context.vector, Some(VECTOR + 32));
    }

    #[test]
    fn damaged_records_are_refused() {
        let bytes = written(KILLED);
        let mut frame = [0; BYTES];
        frame.copy_from_slice(&bytes[..BYTES]);
        put_u32(&mut frame, RECORDS, 1);
        put_u32(&mut frame, RECORDS + 4, 8);
        assert_eq!(read(&frame), None);
        put_u32(&mut frame, RECORDS + 4, !15);
        assert_eq!(read(&frame), None);
    }

    #[test]
    fn a_fault_tells_its_address_and_a_child_its_status() {
        let fault = written(Signal {
            number: 11,
            code: 1,
            sender: 0,
            value: 0xdead,
        });
        assert_eq!(
            (get_u64(&fault, 16), get_u64(&fault, 128 + 176)),
            (0xdead, 0xdead)
        );
        let child = written(Signal {
            number: 17,
            code: 1,
            sender: 9,
            value: 3,
        });
        assert_eq!((get_u32(&child, 16), get_u32(&child, 24)), (9, 3));
    }

    #[test]
    fn an_alternate_stack_knows_who_is_on_it() {
        let stack = AlternateStack {
            address: 0x1000,
            flags: 0,
            bytes: 0x1000,
        };
        assert!(stack.holds(0x2000) && stack.holds(0x1001));
        assert!(!stack.holds(0x1000) && !stack.holds(0x2001));
        assert_eq!(AlternateStack::from_bytes(&stack.to_bytes()), stack);
    }
}

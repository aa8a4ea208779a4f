//! The first thing a program sees: argument count, pointers, auxiliary vector and strings.
//!
//! From the stack pointer upwards, as the Linux/AArch64 ABI has it: `argc`, `argv` pointers, a null,
//! `envp` pointers, a null, pairs of the auxiliary vector up to `AT_NULL`, padding, 16 random bytes,
//! the platform's name, the strings of `argv` and `envp`, the file's name, and 8 zero bytes.

use abi::linux::auxvec as at;
use abi::{Errno, PAGE_BYTES};
use alloc::vec::Vec;

/// Longest single argument, terminator included (Linux: `MAX_ARG_STRLEN`).
pub const STRING_BYTES: usize = 128 << 10;
/// Name of the processor family, as Linux gives it.
const PLATFORM: &[u8] = b"aarch64\0";
/// Bytes behind the last string (Linux leaves one null pointer).
const END_BYTES: usize = 8;
const RANDOM_BYTES: usize = 16;
/// Ticks a second in `times`, which programs learn from `AT_CLKTCK`.
pub const CLOCK_TICKS: u64 = 100;
/// Smallest stack for a signal handler with the vector state saved, as Linux says on AArch64.
const MINIMUM_SIGNAL_STACK: u64 = 5120;

/// Most bytes that arguments and environment may take under a stack limit: a quarter of it, but
/// at least 128 KiB and at most 2 MiB.
pub fn argument_limit(stack_bytes: u64) -> usize {
    usize::try_from((stack_bytes / 4).clamp(128 << 10, 2 << 20)).unwrap_or(128 << 10)
}

/// What the auxiliary vector says, apart from what is the same for all programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Auxiliary {
    /// Address of the program headers.
    pub headers: u64,
    /// Their number.
    pub header_count: u64,
    /// The program's own entry (not the interpreter's).
    pub entry: u64,
    /// Where the interpreter is; 0 for none.
    pub base: u64,
    /// Real and effective user id.
    pub users: [u32; 2],
    /// Real and effective group id.
    pub groups: [u32; 2],
    /// Whether set-id bits gave it more than its caller had.
    pub secure: bool,
    /// Where the image with the clocks is (`AT_SYSINFO_EHDR`); 0 for none.
    pub clocks: u64,
    /// Processor features (`HWCAP_*`).
    pub features: [u64; 2],
    /// Where stack protectors and the like get their secret.
    pub random: [u8; RANDOM_BYTES],
}

/// What a program is started with. `S` is any kind of byte string.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a, S> {
    /// The path that was asked for (`AT_EXECFN`).
    pub path: &'a [u8],
    /// `argv`.
    pub arguments: &'a [S],
    /// `envp`.
    pub environment: &'a [S],
    /// The auxiliary vector.
    pub auxiliary: Auxiliary,
}

/// A stack as it is at the first instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Its bytes; the last one is just below the stack's top.
    pub bytes: Vec<u8>,
    /// The stack pointer: the address of the first byte, aligned to 16.
    pub pointer: u64,
    /// Where its parts are.
    pub start: proto::publish::Start,
}

impl<S: AsRef<[u8]>> Start<'_, S> {
    /// Lays out the stack below `top`, which is aligned to 16, in at most `limit` bytes of strings
    /// and their pointers.
    ///
    /// # Errors
    /// `E2BIG` above the limit, or for one string of more than 128 KiB; `EINVAL` for a string with a
    /// zero byte in it.
    pub fn stack(&self, top: u64, limit: usize) -> Result<Stack, Errno> {
        let strings = self.check(limit)?;
        let above = PLATFORM.len() + strings + END_BYTES;
        let random_offset = (above + RANDOM_BYTES).next_multiple_of(16);
        let words = 3 + self.arguments.len() + self.environment.len() + 2 * AUXILIARY_ENTRIES;
        let total = (random_offset + 8 * words).next_multiple_of(16);

        let pointer = top.checked_sub(total as u64).ok_or(Errno::E2BIG)?;
        let random_at = top - random_offset as u64;
        let platform_at = top - above as u64;
        let mut bytes = Vec::with_capacity(total);
        self.write_pointers(&mut bytes, platform_at + PLATFORM.len() as u64);
        self.write_auxiliary(
            &mut bytes,
            random_at,
            platform_at,
            top - (END_BYTES + self.path.len() + 1) as u64,
        );

        bytes.resize(total - random_offset, 0);
        bytes.extend_from_slice(&self.auxiliary.random);
        bytes.resize(total - above, 0);
        bytes.extend_from_slice(PLATFORM);
        for string in self.strings() {
            bytes.extend_from_slice(string);
            bytes.push(0);
        }
        bytes.resize(total, 0);
        let add = |sum, string: &S| sum + string.as_ref().len() as u64 + 1;
        let arguments = platform_at + PLATFORM.len() as u64;
        let environment = self.arguments.iter().fold(arguments, add);
        let start = proto::publish::Start {
            stack: pointer,
            auxiliary: pointer
                + 8 * (3 + self.arguments.len() as u64 + self.environment.len() as u64),
            arguments,
            environment,
            path: self.environment.iter().fold(environment, add),
        };
        Ok(Stack {
            bytes,
            pointer,
            start,
        })
    }

    /// All strings in the order in which they lie in memory.
    fn strings(&self) -> impl Iterator<Item = &[u8]> {
        let lists = self
            .arguments
            .iter()
            .chain(self.environment)
            .map(AsRef::as_ref);
        lists.chain(core::iter::once(self.path))
    }

    /// Bytes of all strings with their terminators.
    fn check(&self, limit: usize) -> Result<usize, Errno> {
        let mut total = 0usize;
        for string in self.strings() {
            if string.contains(&0) {
                return Err(Errno::EINVAL);
            }
            if string.len() >= STRING_BYTES {
                return Err(Errno::E2BIG);
            }
            total += string.len() + 1;
        }
        let pointers = 8 * (self.arguments.len() + self.environment.len());
        if total + pointers > limit {
            Err(Errno::E2BIG)
        } else {
            Ok(total)
        }
    }

    fn write_pointers(&self, bytes: &mut Vec<u8>, mut address: u64) {
        word(bytes, self.arguments.len() as u64);
        for list in [self.arguments, self.environment] {
            for string in list {
                word(bytes, address);
                address += string.as_ref().len() as u64 + 1;
            }
            word(bytes, 0);
        }
    }

    fn write_auxiliary(&self, bytes: &mut Vec<u8>, random_at: u64, platform_at: u64, path_at: u64) {
        let about = &self.auxiliary;
        let clocks = match about.clocks {
            0 => at::AT_IGNORE,
            _ => at::AT_SYSINFO_EHDR,
        };
        let entries: [(u32, u64); AUXILIARY_ENTRIES] = [
            (clocks, about.clocks),
            (at::AT_MINSIGSTKSZ, MINIMUM_SIGNAL_STACK),
            (at::AT_HWCAP, about.features[0]),
            (at::AT_PAGESZ, PAGE_BYTES),
            (at::AT_CLKTCK, CLOCK_TICKS),
            (at::AT_PHDR, about.headers),
            (at::AT_PHENT, crate::image::HEADER_ENTRY_BYTES),
            (at::AT_PHNUM, about.header_count),
            (at::AT_BASE, about.base),
            (at::AT_FLAGS, 0),
            (at::AT_ENTRY, about.entry),
            (at::AT_UID, u64::from(about.users[0])),
            (at::AT_EUID, u64::from(about.users[1])),
            (at::AT_GID, u64::from(about.groups[0])),
            (at::AT_EGID, u64::from(about.groups[1])),
            (at::AT_SECURE, u64::from(about.secure)),
            (at::AT_RANDOM, random_at),
            (at::AT_HWCAP2, about.features[1]),
            (at::AT_EXECFN, path_at),
            (at::AT_PLATFORM, platform_at),
            (at::AT_NULL, 0),
        ];
        for (kind, value) in entries {
            word(bytes, u64::from(kind));
            word(bytes, value);
        }
    }
}

/// Pairs in the auxiliary vector, the final `AT_NULL` included.
const AUXILIARY_ENTRIES: usize = 21;

fn word(bytes: &mut Vec<u8>, value: u64) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

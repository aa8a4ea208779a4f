//! From the first instruction to `main`, and from a panic to the end.
//!
//! The initial stack is Linux's: `argc`, the `argv` pointers and a 0, the `envp` pointers and a 0,
//! the auxiliary vector. It is read in place, so that nothing here needs a heap.

use core::sync::atomic::{AtomicU64, Ordering};

/// The stack pointer at the start.
static STACK: AtomicU64 = AtomicU64::new(0);
/// What x0 and x1 were at the start.
static ARGUMENTS: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// First Rust code of the process.
#[cfg(target_os = "none")]
pub(crate) extern "C" fn start(argument_0: u64, argument_1: u64, stack: u64) -> ! {
    unsafe extern "Rust" {
        // Defined by `main!` or `server!`.
        safe fn __tessera_main() -> i32;
    }
    STACK.store(stack, Ordering::Relaxed);
    ARGUMENTS[0].store(argument_0, Ordering::Relaxed);
    ARGUMENTS[1].store(argument_1, Ordering::Relaxed);
    crate::process::exit(__tessera_main())
}

#[cfg(not(target_os = "none"))]
#[allow(missing_docs, dead_code)]
pub(crate) extern "C" fn start(_: u64, _: u64, _: u64) -> ! {
    unreachable!("the host has its own start")
}

/// The stack pointer at the start: the address of `argc`.
pub fn initial_stack() -> u64 {
    STACK.load(Ordering::Relaxed)
}

/// What x0 (`index` 0) or x1 (1) was when the process started; elsewhere 0.
pub fn start_argument(index: usize) -> u64 {
    ARGUMENTS
        .get(index)
        .map_or(0, |word| word.load(Ordering::Relaxed))
}

/// The word at `index` of the initial stack.
fn stack_word(index: usize) -> u64 {
    let stack = STACK.load(Ordering::Relaxed);
    if stack == 0 {
        return 0;
    }
    // SAFETY: whoever started this process laid out the stack as described above, and callers stop
    // at the zero words that end its parts. Nothing writes there later.
    unsafe { core::ptr::read((stack as *const u64).wrapping_add(index)) }
}

/// Number of arguments, the name included.
pub fn argument_count() -> usize {
    stack_word(0) as usize
}

/// An argument; 0 is the program's name.
pub fn argument(index: usize) -> Option<&'static [u8]> {
    if index >= argument_count() {
        return None;
    }
    string(stack_word(1 + index))
}

/// An entry `NAME=value` of the initial environment.
pub fn environment(index: usize) -> Option<&'static [u8]> {
    let first = 2 + argument_count();
    // Callers count up from 0 and stop at the 0 that ends the list.
    string(stack_word(first.checked_add(index)?))
}

/// The entry of the auxiliary vector with this `AT_` number.
pub fn auxiliary(kind: u64) -> Option<u64> {
    if STACK.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let first = 2 + argument_count();
    let end = (first..).find(|&index| stack_word(index) == 0)?;
    let mut pairs = (end + 1..)
        .step_by(2)
        .map(|index| (stack_word(index), index + 1));
    pairs
        .find(|(found, _)| *found == kind || *found == 0)
        .filter(|(found, _)| *found == kind)
        .map(|(_, at)| stack_word(at))
}

fn string(address: u64) -> Option<&'static [u8]> {
    if address == 0 {
        return None;
    }
    // SAFETY: the pointers of the initial stack are those of strings ended by 0 on it, which live
    // as long as the process.
    Some(unsafe { core::ffi::CStr::from_ptr(address as *const core::ffi::c_char) }.to_bytes())
}

/// Names the function `fn(Args) -> i32` that is the program.
#[macro_export]
macro_rules! main {
    ($main:path) => {
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        fn __tessera_main() -> i32 {
            $crate::runtime::set_role($crate::runtime::Role::Program);
            $main($crate::args::Args::new())
        }
    };
}

/// Names the function `fn(Args) -> i32` that is the server. It normally never returns.
#[macro_export]
macro_rules! server {
    ($main:path) => {
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        fn __tessera_main() -> i32 {
            $crate::runtime::set_role($crate::runtime::Role::Server);
            $main($crate::args::Args::new())
        }
    };
}

/// Whether the process has services at the fixed handles of programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has, and a parent that waits for its status.
    Program,
    /// It has its own endpoint and what the root task gave it.
    Server,
}

static IS_SERVER: core::sync::atomic::AtomicBool = core::sync::atomic::AtomicBool::new(false);

/// Says what this process is; done by [`crate::main`] and [`crate::server`].
pub fn set_role(role: Role) {
    IS_SERVER.store(role == Role::Server, Ordering::Relaxed);
}

/// What this process is.
pub fn role() -> Role {
    if IS_SERVER.load(Ordering::Relaxed) {
        Role::Server
    } else {
        Role::Program
    }
}

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    match role() {
        Role::Server => {
            crate::log!("{info}");
            crate::arch::abort()
        }
        Role::Program => {
            use core::fmt::Write;
            let mut line = crate::log::Line::new();
            let _ = writeln!(line, "{}: {info}", crate::args::Args::new().name());
            let _ = crate::file::write(2, line.as_bytes());
            crate::process::exit_now(101)
        }
    }
}

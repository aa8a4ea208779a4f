//! Random kernel calls from unprivileged processes: the system goes on working.

use crate::{
    Case,
    support::{Check, Context, ensure, equal, in_child, start},
};
use core::sync::atomic::{AtomicU64, Ordering};
use libsys::{arch, file, memory::Shared, process, signal};

pub const CASES: &[Case] = &[("fuzz", fuzz), ("fuzz-svc", fuzz_immediates)];

/// Random calls in all.
const CALLS: u64 = 300_000;
/// Random immediates of `svc`: each may end its process.
const IMMEDIATES: u64 = 400;
/// A child that makes no progress for this long waits for something, and is ended.
const PATIENCE_NS: u64 = 20_000_000;
const USER: u32 = 1000;
/// Which word of shared memory counts: not the first, whose address is a power of two, as many of
/// the random registers are.
const COUNTER: usize = 333;

/// xorshift64*: small, and the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A register: often small, or an address, or nearly one.
    fn register(&mut self) -> u64 {
        let value = self.next();
        match value >> 60 {
            0..=5 => value & 0x3f,
            6 | 7 => value & 0xffff,
            8 | 9 => 0x20_0000 + (value & 0xf_ffff),
            10 => 0x3ff0_0000 + (value & 0xf_ffff),
            11 => (value & 0xf_ffff).wrapping_neg(),
            12 => 1 << (value & 63),
            13 => value | 3 << 62,
            _ => value,
        }
    }

    fn registers(&mut self) -> [u64; 18] {
        let mut registers = [0; 18];
        registers
            .iter_mut()
            .for_each(|register| *register = self.register());
        // Mostly real call numbers and handles, so that more than the first check is reached.
        if !self.next().is_multiple_of(8) {
            registers[10] = self.next() & 0x13f;
            registers[0] = self.next() & 7;
        }
        registers
    }
}

/// Makes the caller somebody who may do nothing to others.
fn become_nobody() -> bool {
    for fd in 0..3 {
        let _ = file::close(fd);
    }
    let _ = process::setpgid(0, 0);
    let _ = file::chdir("/dev");
    process::setgid(USER).and(process::setuid(USER)).is_ok()
}

/// Runs `work` in children until `counter` reaches `goal`; a child that is stuck is ended.
fn until(goal: u64, counter: &AtomicU64, work: impl Fn(u64)) -> Check {
    let mut seed = 0x1234_5678_9abc_def1;
    while counter.load(Ordering::SeqCst) < goal {
        seed = Random(seed).next();
        let child = start(|| {
            if become_nobody() {
                work(seed);
            }
            0
        })?;
        watch(child, counter)?;
    }
    Ok(())
}

/// Waits for a child and ends it when it makes no more progress, with all that it has forked.
fn watch(child: u32, counter: &AtomicU64) -> Check {
    let mut last = counter.load(Ordering::SeqCst);
    loop {
        let _ = process::nanosleep(PATIENCE_NS);
        let ended = process::waitpid(child as i32, process::WNOHANG)
            .doing("waitpid")?
            .is_some();
        let now = counter.load(Ordering::SeqCst);
        if ended || now == last {
            let _ = signal::kill(-(child as i32), signal::SIGKILL);
            if !ended {
                let _ = signal::kill(child as i32, signal::SIGKILL);
                crate::support::wait_for(child)?;
            }
            return Ok(());
        }
        last = now;
    }
}

fn fuzz() -> Check {
    let shared = Shared::anonymous(4096).doing("mmap")?;
    let counter = &shared.words()[COUNTER];
    until(CALLS, counter, |seed| {
        let mut random = Random(seed);
        while counter.fetch_add(1, Ordering::SeqCst) < CALLS {
            let mut registers = random.registers();
            // SAFETY: what the call may overwrite is this child's own memory. The child does nothing
            // else any more: whatever becomes of it, the parent only sees the counter.
            unsafe { arch::raw_kernel_call(&mut registers) };
        }
    })?;
    still_working()
}

fn fuzz_immediates() -> Check {
    let shared = Shared::anonymous(4096).doing("mmap")?;
    let counter = &shared.words()[COUNTER];
    until(IMMEDIATES, counter, |seed| {
        let mut random = Random(seed);
        let mut registers = random.registers();
        counter.fetch_add(1, Ordering::SeqCst);
        // SAFETY: as in `fuzz`.
        unsafe { arch::raw_svc(seed as usize, &mut registers) };
    })?;
    still_working()
}

fn still_working() -> Check {
    let (read, write) = file::pipe().doing("pipe")?;
    let status = in_child(|| {
        let _ = file::dup2(write, 1);
        process::execv("/bin/echo", &["echo", "alive"]);
        99
    })?;
    equal("status of echo", status.exited(), Some(0))?;
    file::close(write).doing("close")?;
    let text = file::read_to_end(read).doing("read")?;
    ensure("echo says alive", text == b"alive\n")
}

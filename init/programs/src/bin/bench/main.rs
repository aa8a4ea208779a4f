//! What calls cost: lines `name figure`, where the figure is nanoseconds for one operation.
//!
//! On a machine that counts instructions (`ICOUNT=1`) a nanosecond is an instruction.
//! `bench [NAME…]` measures only these.
#![no_std]
#![no_main]

mod files;
mod ipc;
mod memory;
mod pipes;
mod processes;

use libsys::{clock, prelude::*, process};

libsys::main!(main);

/// Measures some operations and reports each.
type Group = fn(&mut Bench) -> Result<(), Errno>;

const GROUPS: [Group; 5] = [
    files::run,
    pipes::run,
    ipc::run,
    memory::run,
    processes::run,
];

/// Which operations are wanted, and how they are timed.
pub struct Bench {
    wanted: Vec<&'static [u8]>,
}

impl Bench {
    /// Whether an operation shall be measured. For those that need something made ready first.
    pub fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.contains(&name.as_bytes())
    }

    /// Times `count` repetitions of an operation, after some that do not count.
    pub fn measure(
        &mut self,
        name: &str,
        count: u32,
        mut operation: impl FnMut() -> Result<(), Errno>,
    ) {
        self.measure_parts(name, count, 1, &mut operation);
    }

    /// As [`Bench::measure`] for an operation that consists of `parts` equal ones.
    pub fn measure_parts(
        &mut self,
        name: &str,
        count: u32,
        parts: u32,
        mut operation: impl FnMut() -> Result<(), Errno>,
    ) {
        if !self.wants(name) {
            return;
        }
        let mut repeat = |count: u32| (0..count).try_for_each(|_| operation());
        let result = repeat(count / 4 + 2).and_then(|()| {
            let start = clock::now_ns();
            repeat(count)?;
            Ok(clock::now_ns() - start)
        });
        match result {
            Ok(ns) => self.report(name, ns, count * parts),
            Err(errno) => eprintln!("bench: {name}: {errno}"),
        }
    }

    /// Prints the time of one operation, of which `count` took `ns`.
    pub fn report(&self, name: &str, ns: u64, count: u32) {
        let tenths = ns * 10 / u64::from(count.max(1));
        println!("{name} {}.{}", tenths / 10, tenths % 10);
        let _ = libsys::stdio::flush();
    }
}

fn main(args: Args) -> i32 {
    let mut bench = Bench {
        wanted: args.skip(1).collect(),
    };
    if libsys::file::chdir("/tmp").is_err() {
        eprintln!("bench: /tmp is missing");
        return 1;
    }
    let mut status = 0;
    for group in GROUPS {
        if let Err(errno) = group(&mut bench) {
            eprintln!("bench: {errno}");
            status = 1;
        }
    }
    status
}

/// Starts a child that does `work`; the answer ends it.
pub fn child(work: impl FnOnce() -> Result<(), Errno>) -> Result<Child, Errno> {
    match process::fork()? {
        0 => process::exit_now(i32::from(work().is_err())),
        pid => Ok(Child(pid)),
    }
}

/// A child, which is killed and waited for at the end.
pub struct Child(u32);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = process::kill(self.0 as i32, libsys::signal::SIGKILL);
        let _ = process::waitpid(self.0 as i32, 0);
    }
}

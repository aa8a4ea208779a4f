//! The process server: its library wired to the kernel and to the servers below it.
//!
//! Environment (decimal): `ipc`, `vfs`, `tty` and `system` are handles; `epoch_s` is the time at
//! boot, `seed` 64 hexadecimal digits. The handles of `ipc`, `vfs`, `mem` (2) and the own endpoint (1) can be
//! passed on, because programs get them from here.
#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

mod kernel;
mod servers;
mod table;

use abi::Handle;
use kernel::Kernel;
use libsys::serve::{Exception, Service, Verdict, serve};
use libsys::{env, log};
use proc::Proc;
use proto::port::{Incoming, Outcome};
use proto::proc::{Proc as Protocol, Reply, Request};

libsys::server!(run);

const SECOND_NS: u64 = 1_000_000_000;

fn run(_: libsys::args::Args) -> i32 {
    let epoch_ns = env::initial_number("epoch_s")
        .unwrap_or(0)
        .saturating_mul(SECOND_NS);
    match Kernel::from_environment() {
        Ok(kernel) => serve::<Protocol, _>(
            Handle::SERVICE,
            &mut Server {
                proc: Proc::new(epoch_ns),
                kernel,
            },
        ),
        Err(errno) => {
            log!("cannot publish the process table: {errno}");
            1
        }
    }
}

struct Server {
    proc: Proc,
    kernel: Kernel,
}

impl Service<Protocol> for Server {
    fn request(&mut self, incoming: Incoming<Request>) -> Outcome<Reply> {
        self.proc.handle(incoming, &mut self.kernel)
    }

    fn exception(&mut self, exception: Exception) -> Verdict {
        let Exception {
            process,
            token,
            esr,
            address,
            pc,
            decline,
            ..
        } = exception;
        let exception = proc::signal::exception::Exception {
            esr,
            address,
            pc,
            decline,
        };
        self.proc
            .exception(process, token, exception, &mut self.kernel);
        Verdict::Parked
    }

    fn notification(&mut self, bits: u64) {
        self.proc.notified(bits, &mut self.kernel);
    }
}

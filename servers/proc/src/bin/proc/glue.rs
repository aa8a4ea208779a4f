//! The wiring of all process servers: the library behind calls to the kernel and to the servers below. No
//! decisions.
//!
//! Environment (decimal): `ipc`, `vfs`, `tty` and `system` are handles; `epoch_s` is the time at
//! boot, `seed` 64 hexadecimal digits. The handles of `ipc`, `vfs`, `mem` (2) and the own endpoint (1) can be
//! passed on, because programs get them from here. `schedule` chooses a scheduling design (`proc::policy`)
//! in place of the program's own.

mod kernel;
mod servers;
mod table;

use abi::Handle;
use alloc::string::String;
use kernel::Kernel;
use libsys::serve::{Exception, Service, Verdict, serve};
use libsys::{env, log};
use proc::Proc;
use proc::policy::Scheduling;
use proto::port::{Incoming, Outcome};
use proto::proc::{Proc as Protocol, Reply, Request};

const SECOND_NS: u64 = 1_000_000_000;

/// Serves for good, with this scheduling unless the manifest says otherwise.
pub fn run(scheduling: Scheduling) -> i32 {
    let name = env::initial("schedule");
    let Some(scheduling) = name.map_or(Some(scheduling), Scheduling::named) else {
        let name = String::from_utf8_lossy(name.unwrap_or_default());
        log!("there is no design schedule={name}");
        return 1;
    };
    let epoch_ns = env::initial_number("epoch_s")
        .unwrap_or(0)
        .saturating_mul(SECOND_NS);
    match Kernel::from_environment() {
        Ok(kernel) => serve::<Protocol, _>(
            Handle::SERVICE,
            &mut Server {
                proc: Proc::new(epoch_ns).with_scheduling(scheduling),
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

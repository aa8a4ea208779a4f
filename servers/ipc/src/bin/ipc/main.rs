//! The interprocess-communication server: its library wired to callers, clock, `mem` and the
//! process table.
//!
//! Environment (decimal): `epoch_s`, seconds from 1970 to boot.
#![cfg_attr(target_os = "none", no_std, no_main)]

mod kernel;
mod published;

use abi::{Handle, message::notify};
use ipc::Ipc;
use kernel::Kernel;
use libsys::{
    env,
    serve::{Service, serve},
};
use proto::{
    ipc::{Ipc as Protocol, Reply, Request},
    port::{Incoming, Outcome},
};

libsys::server!(run);

const SECOND_NS: u64 = 1_000_000_000;

fn run(_: libsys::args::Args) -> i32 {
    let epoch_ns = env::initial_number("epoch_s")
        .unwrap_or(0)
        .saturating_mul(SECOND_NS);
    let mut server = Server {
        ipc: Ipc::new(epoch_ns),
        kernel: Kernel::new(),
    };
    serve::<Protocol, _>(Handle::SERVICE, &mut server)
}

struct Server {
    ipc: Ipc,
    kernel: Kernel,
}

impl Service<Protocol> for Server {
    fn request(&mut self, incoming: Incoming<Request>) -> Outcome<Reply> {
        self.ipc.handle(incoming, &mut self.kernel)
    }

    fn unheard(&mut self) {
        self.ipc.unheard();
    }

    fn notification(&mut self, bits: u64) {
        if bits & notify::CANCELLED != 0 {
            self.ipc.cancelled(&mut self.kernel);
        }
        if bits & notify::TIMER != 0 {
            self.ipc.tick(&mut self.kernel);
        }
    }
}

//! The server of message queues: its library wired to the kernel. No decisions.
#![no_std]
#![no_main]

extern crate alloc;

use abi::Handle;
use abi::message::notify;
use ipc_messages::Messages;
use libsys::serve::{KernelCallers, Service, serve};
use proto::ipc::{Ipc, Reply, Request};
use proto::port::{Incoming, Outcome};

libsys::server!(run);

fn run(_: libsys::args::Args) -> i32 {
    let mut server = Server {
        messages: Messages::default(),
        callers: KernelCallers::new(Handle::SERVICE),
    };
    serve::<Ipc, _>(Handle::SERVICE, &mut server)
}

struct Server {
    messages: Messages,
    callers: KernelCallers<Ipc>,
}

impl Service<Ipc> for Server {
    fn request(&mut self, incoming: Incoming<Request>) -> Outcome<Reply> {
        self.messages.handle(incoming, &mut self.callers)
    }

    fn notification(&mut self, bits: u64) {
        if bits & notify::CANCELLED != 0 {
            self.messages.cancelled(&mut self.callers);
        }
    }
}

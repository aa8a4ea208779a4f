//! The wiring of both binaries: kernel calls behind the library's ports. No decisions.

mod boot;
mod callers;
mod heap;
mod kernel;

use abi::Handle;
use abi::message::notify;
use callers::Programs;
use kernel::Kernel;
use libsys::serve::{Fault, Service, Verdict, serve};
use mem::policy::ForkPolicy;
use mem::{Mem, Resolution};
use proto::mem::{Mem as Protocol, Reply, Request};
use proto::port::{Incoming, Outcome};

/// Serves for good.
pub fn run<P: ForkPolicy>(policy: P) -> i32 {
    let Some(boot) = boot::read() else { return 1 };
    let mut free = boot.free;
    let Some(ranges) = free.get_mut(..boot.free_count as usize) else {
        return 1;
    };
    heap::start(ranges, boot.archive.count);
    let Ok(mem) = Mem::new(policy, ranges, boot.archive, boot.archive_bytes) else {
        return 1;
    };
    libsys::log!(
        "{} pages, {} free, fork policy {}",
        mem.frames().total(),
        mem.frames().free(),
        P::NAME
    );
    let mut server = Server {
        mem,
        callers: Programs::new(),
        thread: Handle::NONE,
    };
    serve::<Protocol, _>(Handle::SERVICE, &mut server)
}

/// The library and its callers.
struct Server<P> {
    mem: Mem<P>,
    callers: Programs,
    /// Goes with the reply that was given last.
    thread: Handle,
}

impl<P: ForkPolicy> Service<Protocol> for Server<P> {
    fn request(&mut self, incoming: Incoming<Request>) -> Outcome<Reply> {
        let answer = self.mem.handle(&mut Kernel, &mut self.callers, &incoming);
        self.thread = answer
            .thread
            .map_or(Handle::NONE, |thread| Handle(thread.0));
        heap::refill(&mut self.mem);
        answer.outcome
    }

    #[inline(always)]
    fn reply_handle(&mut self) -> Handle {
        core::mem::take(&mut self.thread)
    }

    fn fault(&mut self, fault: Fault) -> Verdict {
        let resolution = self
            .mem
            .fault(&mut Kernel, fault.space, fault.address, fault.access);
        heap::refill(&mut self.mem);
        match resolution {
            Resolution::Retry => Verdict::Resume,
            Resolution::Decline(code) => Verdict::Decline(code),
        }
    }
    fn notification(&mut self, bits: u64) {
        if bits & notify::CANCELLED != 0 {
            self.mem.cancelled(&mut self.callers);
        }
        if bits & notify::TIMER != 0 {
            self.mem.timer(&mut self.callers);
        }
    }
}

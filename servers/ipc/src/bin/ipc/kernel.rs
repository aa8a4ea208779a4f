//! The ports, answered by the kernel and by `mem`.

use crate::published;
use abi::{Errno, Handle, Token};
use ipc::ports::{Mapping, Notes, Objects};
use libsys::{
    lease::Loan,
    request::request,
    serve::{KernelCallers, KernelClock},
};
use proto::{
    Pid,
    ipc::{Ipc as Protocol, Reply},
    mem::{self, Mem, ObjectId},
    port::{Callers, Clock, Gone, LeaseError, Refusal, TokenState},
    publish::{Credentials, Entry, Processes},
};

/// All ports of the server.
pub(crate) struct Kernel {
    callers: KernelCallers<Protocol>,
    clock: KernelClock,
}

impl Kernel {
    /// The ports of the server's own endpoint.
    pub(crate) fn new() -> Self {
        Kernel {
            callers: KernelCallers::new(Handle::SERVICE),
            clock: KernelClock::new(Handle::SERVICE),
        }
    }
}

impl Callers<Reply> for Kernel {
    fn read(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError> {
        self.callers.read(token, lease, offset, into)
    }

    fn write(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        from: &[u8],
    ) -> Result<(), LeaseError> {
        self.callers.write(token, lease, offset, from)
    }

    fn reply(&mut self, token: Token, reply: Result<Reply, Refusal>) -> Result<(), Gone> {
        self.callers.reply(token, reply)
    }

    fn state(&mut self, token: Token) -> TokenState {
        self.callers.state(token)
    }
}

impl Clock for Kernel {
    fn now_ns(&mut self) -> u64 {
        self.clock.now_ns()
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.clock.wake_at(deadline_ns);
    }
}

impl Processes for Kernel {
    fn get(&self, pid: Pid) -> Option<Entry> {
        published::get(pid)
    }

    fn read_credentials(&self, pid: Pid, into: &mut Credentials) -> bool {
        published::read_credentials(pid, into)
    }

    fn next(&self, after: Pid) -> Option<Pid> {
        published::next(after)
    }
}

impl Notes for Kernel {
    fn is_noted(&self, process: Pid) -> bool {
        published::is_noted(process)
    }

    fn note(&mut self, process: Pid, noted: bool) {
        published::note(process, noted);
    }
}

fn ask(wish: &mem::Request) -> Result<mem::Reply, Errno> {
    request::<Mem>(Handle::MEM, wish, [Loan::NONE; 2])
}

impl Objects for Kernel {
    fn create(&mut self, bytes: u64) -> Result<ObjectId, Errno> {
        match ask(&mem::Request::ObjectCreate { bytes })? {
            mem::Reply::Object(object) => Ok(object),
            _ => Err(Errno::EPROTO),
        }
    }

    fn release(&mut self, object: ObjectId) {
        // It fails only for an object that is not held, which the library rules out.
        let _ = ask(&mem::Request::ObjectRelease { object });
    }

    fn map(&mut self, mapping: Mapping) -> Result<u64, Errno> {
        let Mapping {
            space,
            object,
            address,
            bytes,
            prot,
            flags,
        } = mapping;
        let wish = mem::Request::MapObject {
            space,
            object,
            offset: 0,
            address,
            bytes,
            prot,
            flags,
        };
        match ask(&wish)? {
            mem::Reply::Address(address) => Ok(address),
            _ => Err(Errno::EPROTO),
        }
    }

    fn unmap(&mut self, space: Pid, object: ObjectId, address: u64) -> Result<(), Errno> {
        ask(&mem::Request::UnmapObject {
            space,
            object,
            address,
        })
        .map(drop)
    }

    fn mappings(&mut self, object: ObjectId) -> Result<u64, Errno> {
        match ask(&mem::Request::ObjectMappings { object })? {
            mem::Reply::Count(count) => Ok(count),
            _ => Err(Errno::EPROTO),
        }
    }
}

//! The minimal file server: its library wired to the kernel, to `mem` and to `tty`.
//!
//! Environment (decimal): `archive` is the boot archive's length in bytes, `tty` a handle.
#![no_std]
#![no_main]

extern crate alloc;

use abi::message::{TokenState, notify};
use abi::{Errno, Handle, Token};
use libsys::lease::Loan;
use libsys::request::request;
use libsys::serve::{KernelCallers, Service, serve};
use libsys::{env, log};
use proto::mem::{Mem, ObjectId, flags};
use proto::port::{Callers, Gone, Incoming, LeaseError, Outcome, Refusal};
use proto::vfs::{Reply, Request, Vfs as Protocol};
use proto::{Pid, mem, tty};
use vfs_minimal::Minimal;
use vfs_minimal::device::Console;

libsys::server!(run);

const READ: u32 = 1;

fn run(_: libsys::args::Args) -> i32 {
    let number = |name: &str| env::initial_number(name).unwrap_or(0);
    let archive = match map_archive(number("archive")) {
        Ok(archive) => archive,
        Err(errno) => {
            log!("cannot map the boot archive: {errno}");
            return 1;
        }
    };
    let Some(minimal) = Minimal::new(archive) else {
        log!("the boot archive is malformed");
        return 1;
    };
    let outside = Outside {
        callers: KernelCallers::new(Handle::SERVICE),
        tty: Handle(number("tty") as u32),
    };
    let mut server = Server {
        minimal,
        archive,
        outside,
    };
    serve::<Protocol, _>(Handle::SERVICE, &mut server)
}

/// The boot archive's bytes, which nobody may write.
fn map_archive(bytes: u64) -> Result<&'static [u8], Errno> {
    let wish = mem::Request::MapObject {
        space: Pid(0),
        object: ObjectId(1),
        offset: 0,
        address: 0,
        bytes,
        prot: READ,
        flags: flags::SHARED | flags::POPULATE,
    };
    let mem::Reply::Address(address) = request::<Mem>(Handle::MEM, &wish, [Loan::NONE; 2])? else {
        return Err(Errno::EPROTO);
    };
    // SAFETY: `mem` has just mapped these bytes here for good, all of them, and nobody can write to
    // the archive.
    Ok(unsafe { core::slice::from_raw_parts(address as *const u8, bytes as usize) })
}

struct Server {
    minimal: Minimal,
    archive: &'static [u8],
    outside: Outside,
}

impl Service<Protocol> for Server {
    fn request(&mut self, incoming: Incoming<Request>) -> Outcome<Reply> {
        self.minimal
            .handle(incoming, self.archive, &mut self.outside)
    }

    fn notification(&mut self, bits: u64) {
        if bits & notify::CANCELLED != 0 {
            self.minimal.cancelled(&mut self.outside);
        }
        if bits & (1 << tty::VFS_READY_BIT) != 0 {
            self.minimal.console_ready(self.archive, &mut self.outside);
        }
    }
}

/// Callers and the console as the one value that the library asks for.
struct Outside {
    callers: KernelCallers<Protocol>,
    tty: Handle,
}

impl Outside {
    fn ask(&self, wish: &tty::Request, loan: Loan<'_>) -> Result<tty::Reply, Errno> {
        request::<tty::Tty>(self.tty, wish, [loan, Loan::NONE])
    }

    fn count(&self, wish: &tty::Request, loan: Loan<'_>) -> Result<usize, Errno> {
        match self.ask(wish, loan)? {
            tty::Reply::Count(count) => Ok(count as usize),
            _ => Err(Errno::EPROTO),
        }
    }
}

/// The terminal's line 0. No session ever has it, so all groups may read and write.
impl Console for Outside {
    fn typed(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        let wish = tty::Request::Read {
            line: 0,
            pgid: 0,
            sid: 0,
            stoppable: false,
        };
        self.count(&wish, Loan::write(into))
    }

    fn print(&mut self, from: &[u8]) -> Result<usize, Errno> {
        let wish = tty::Request::Write {
            line: 0,
            pgid: 0,
            sid: 0,
        };
        self.count(&wish, Loan::read(from))
    }

    fn termios(&mut self) -> Result<[u8; 36], Errno> {
        let mut termios = [0; 36];
        let wish = tty::Request::GetTermios { line: 0 };
        self.ask(&wish, Loan::write(&mut termios))?;
        Ok(termios)
    }

    fn set_termios(&mut self, when: u32, termios: &[u8; 36]) -> Result<(), Errno> {
        let wish = tty::Request::SetTermios { line: 0, when };
        self.ask(&wish, Loan::read(termios)).map(drop)
    }

    fn window_size(&mut self) -> Result<[u16; 2], Errno> {
        match self.ask(&tty::Request::GetWindowSize { line: 0 }, Loan::NONE)? {
            tty::Reply::WindowSize { rows, columns, .. } => Ok([rows, columns]),
            _ => Err(Errno::EPROTO),
        }
    }
}

impl Callers<Reply> for Outside {
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

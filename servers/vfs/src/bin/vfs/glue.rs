//! The wiring of all file servers: the library behind the kernel's, `mem`'s and `tty`'s calls. No decisions.
//!
//! Environment (decimal): `archive` is the boot archive's length in bytes, `tty` and `system` are
//! handles, `seed` 64 hexadecimal digits, `epoch_s` the seconds from 1970 to boot; `pipe` and `path`
//! choose designs (`vfs::policy`) in place of the program's own.

mod console;
mod machine;
mod memory;
mod window;

use abi::{Handle, Message};
use alloc::string::String;
use console::Console;
use libsys::serve::{KernelCallers, Service, serve};
use libsys::{env, log};
use machine::Machine;
use memory::Objects;
use proto::port::{Incoming, Outcome};
use proto::vfs::{Reply, Request, Vfs as Protocol};
use vfs::Vfs;
use vfs::policy::Designs;
use vfs::ports::{Platform, Ports};

/// The ports as the machine answers them.
struct Kernel;

impl Platform for Kernel {
    type Callers = KernelCallers<Protocol>;
    type Memory = Objects;
    type Terminal = Console;
    type System = Machine;
}

/// Serves for good, with these designs unless the manifest says otherwise.
pub fn run(mut designs: Designs) -> i32 {
    for name in Designs::NAMES {
        let Some(value) = env::initial(name) else {
            continue;
        };
        if !designs.choose(name, value) {
            log!(
                "there is no design {name}={}",
                String::from_utf8_lossy(value)
            );
            return 1;
        }
    }
    let number = |name: &str| env::initial_number(name).unwrap_or(0);
    let mut ports = Ports::<Kernel> {
        callers: KernelCallers::new(Handle::SERVICE),
        memory: Objects,
        terminal: Console::new(Handle(number("tty") as u32)),
        system: Machine::new(Handle(number("system") as u32)),
    };
    match boot(&mut ports, number("archive"), designs) {
        Ok(vfs) => serve::<Protocol, _>(Handle::SERVICE, &mut Server { vfs, ports }),
        Err(()) => 1,
    }
}

/// A file server with the archive's files; what is wrong with it is said in the log.
fn boot(ports: &mut Ports<Kernel>, archive_bytes: u64, designs: Designs) -> Result<Vfs, ()> {
    let archive = memory::map_archive(archive_bytes)
        .map_err(|errno| log!("cannot map the boot archive: {errno}"))?;
    Vfs::boot(ports, archive, designs).map_err(|malformed| log!("{malformed}"))
}

struct Server {
    vfs: Vfs,
    ports: Ports<Kernel>,
}

impl Service<Protocol> for Server {
    #[inline(always)]
    fn request(&mut self, incoming: Incoming<Request>) -> Outcome<Reply> {
        self.vfs.handle(incoming, &mut self.ports)
    }

    #[inline(always)]
    fn message(&mut self, incoming: Incoming<&Message>) -> Outcome<Reply> {
        self.vfs.handle_message(incoming, &mut self.ports)
    }

    fn notification(&mut self, bits: u64) {
        self.vfs.notified(bits, &mut self.ports);
    }
}

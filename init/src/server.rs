//! Starting the other servers through the memory server.

use crate::{ENDPOINT, Root, fail, identity, say};
use abi::{Errno, Handle, Rights, layout};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use init::device_tree::Device;
use init::manifest::{Given, Server};
use init::{archive, device_tree, plan};
use libsys::arch;
use libsys::lease::Loan;
use loader::{Auxiliary, FileAt, HEADER_BYTES, PIE_BASE, Start};
use proto::mem::{Image, ObjectId, Reply, Request};
use random::Generator;

/// The boot archive as a memory object.
const ARCHIVE: ObjectId = ObjectId(1);
/// Most that a server's stack may grow to, in bytes.
const STACK_BYTES: u64 = 256 << 10;
/// Most bytes of arguments and environment.
const ARGUMENT_BYTES: usize = 16 << 10;
/// First slot for what the manifest gives.
const FIRST_GIVEN: u32 = 4;
/// How often a device may turn out to lie elsewhere than was told to its server.
const DEVICE_TRIES: usize = 3;

/// A program that is ready to be started.
pub struct Ready {
    /// What is in memory.
    pub image: Image,
    /// First instruction.
    pub entry: u64,
    /// Stack pointer.
    pub stack_pointer: u64,
}

/// Starts all servers but the memory server, in the order of the manifest.
pub fn start_all(root: &Root<'_>, epoch_s: u64) {
    let Some(mem) = root.client("mem") else {
        fail("the boot manifest has no mem")
    };
    for (server, &endpoint) in root.servers.iter().zip(&root.endpoints) {
        if server.service == "mem" {
            continue;
        }
        let starter = Starter {
            root,
            mem,
            server,
            endpoint,
            epoch_s,
        };
        if let Err(errno) = starter.start() {
            say!(
                "init: server {} ({}) cannot be started: {errno}",
                server.service,
                server.program
            );
            if plan::is_vital(server.service) {
                fail("the system needs it");
            }
        }
    }
}

/// Plans a server's program with its environment.
pub fn image(root: &Root<'_>, server: &Server<'_>, environment: &[String]) -> Option<Ready> {
    let file = archive::find(root.archive, &format!("boot/servers/{}", server.program))?;
    let header = file.content.get(..file.content.len().min(HEADER_BYTES))?;
    let at = FileAt {
        object: ARCHIVE,
        offset: file.offset as u64,
        bytes: file.content.len() as u64,
    };
    let plan = loader::plan(header, at, PIE_BASE).ok()?;
    let start = Start {
        path: server.program.as_bytes(),
        arguments: &[String::from(server.service)],
        environment,
        auxiliary: Auxiliary {
            headers: plan.headers,
            header_count: plan.header_count,
            entry: plan.entry,
            ..Auxiliary::default()
        },
    };
    let stack = start.stack(layout::STACK_TOP, ARGUMENT_BYTES).ok()?;
    let image = Image {
        segments: plan.segments,
        heap: plan.heap,
        stack_top: layout::STACK_TOP,
        stack_bytes: STACK_BYTES,
        stack: stack.bytes,
    };
    Some(Ready {
        image,
        entry: plan.entry,
        stack_pointer: stack.pointer,
    })
}

/// A server's environment: what it is given and under which number. `device` is where its device's
/// registers are in its space.
pub fn environment(
    root: &Root<'_>,
    server: &Server<'_>,
    device: Option<u64>,
    epoch_s: u64,
) -> Vec<String> {
    let mut entries = Vec::new();
    let mut slot = FIRST_GIVEN;
    let mut system = Handle::SYSTEM;
    for given in &server.given {
        match *given {
            Given::Call { name, .. } | Given::Notify { name, .. } => {
                entries.push(format!("{name}={slot}"));
                slot += 1;
            }
            Given::System(_) => {
                entries.push(format!("system={slot}"));
                system = Handle(slot);
                slot += 1;
            }
            Given::Device { name, compatible } => {
                let irq =
                    device_tree::find(root.device_tree, compatible).map_or(0, |device| device.irq);
                entries.push(format!("{name}={:#x}", device.unwrap_or(0)));
                entries.push(format!("{name}_irq={irq}"));
            }
            Given::Console => {
                let framed = plan::has_word(&root.boot.command_line, "framed");
                entries.push(format!("framed={}", u8::from(framed)));
                entries.push(format!("onlcr={}", u8::from(root.command.is_none())));
            }
            Given::Clock => entries.push(format!("epoch_s={epoch_s}")),
            Given::Seed => entries.push(format!("seed={}", seed(root, server))),
            Given::Archive => entries.push(format!("archive={}", root.boot.archive_bytes)),
            Given::Plain { name, value } => entries.push(format!("{name}={value}")),
            Given::Grant | Given::Slots(_) => {}
        }
    }
    // Every server may write to the log: through its system handle, or one that is there for that.
    entries.push(format!("LOG={}", system.0));
    entries
}

/// A seed for a server, from which neither the others' nor the firmware's can be found.
fn seed(root: &Root<'_>, server: &Server<'_>) -> String {
    let mut generator = Generator::new(root.boot.seed);
    generator.mix(&identity(server).0.to_le_bytes());
    generator.mix(&arch::counter().to_le_bytes());
    random::to_text(&generator.seed())
}

/// One server that is being started.
struct Starter<'r, 'a> {
    root: &'r Root<'a>,
    mem: Handle,
    server: &'r Server<'a>,
    endpoint: Handle,
    epoch_s: u64,
}

impl Starter<'_, '_> {
    fn start(&self) -> Result<(), Errno> {
        let space = identity(self.server);
        let (_, thread) = self.ask(
            &Request::Create {
                space,
                priority: self.server.priority,
            },
            Loan::NONE,
        )?;
        for given in &self.server.given {
            if let Given::Slots(slots) = *given {
                self.ask(&Request::HandleSlots { space, slots }, Loan::NONE)?;
            }
        }
        let ready = self.load()?;
        self.give_handles(thread).map_err(libsys::request::errno)?;
        arch::thread_start(thread, ready.entry, ready.stack_pointer, [0; 2])
            .map_err(libsys::request::errno)
    }

    fn ask(&self, what: &Request, loan: Loan<'_>) -> Result<(Reply, Handle), Errno> {
        self.root.ask_mem(self.mem, what, loan)
    }

    /// Fills the server's space. Its environment tells where its device is, but a device can be
    /// mapped only into a space that is filled: so its place is guessed first, and corrected.
    fn load(&self) -> Result<Ready, Errno> {
        let mut place = self.device()?.map(|_| layout::MMAP_BASE);
        for _ in 0..DEVICE_TRIES {
            let environment = environment(self.root, self.server, place, self.epoch_s);
            let ready = image(self.root, self.server, &environment).ok_or(Errno::ENOEXEC)?;
            let bytes = postcard::to_allocvec(&ready.image).map_err(|_| Errno::ENOMEM)?;
            self.ask(
                &Request::Exec {
                    space: identity(self.server),
                },
                Loan::read(&bytes),
            )?;
            let found = self.map_device()?;
            if found == place {
                return Ok(ready);
            }
            place = found;
        }
        Err(Errno::EIO)
    }

    /// The device that the server is given.
    fn device(&self) -> Result<Option<Device>, Errno> {
        let compatible = self.server.given.iter().find_map(|given| match *given {
            Given::Device { compatible, .. } => Some(compatible),
            _ => None,
        });
        let Some(compatible) = compatible else {
            return Ok(None);
        };
        device_tree::find(self.root.device_tree, compatible)
            .map(Some)
            .ok_or(Errno::ENODEV)
    }

    fn map_device(&self) -> Result<Option<u64>, Errno> {
        let Some(device) = self.device()? else {
            return Ok(None);
        };
        let space = identity(self.server);
        let what = Request::MapDevice {
            space,
            device: device.address,
            bytes: device.bytes,
        };
        match self.ask(&what, Loan::NONE)? {
            (Reply::Address(address), _) => Ok(Some(address)),
            _ => Err(Errno::EPROTO),
        }
    }

    /// Fills the handle table: own endpoint, memory server, log, and what the manifest gives, under
    /// the numbers that [`environment`] tells.
    fn give_handles(&self, thread: Handle) -> Result<(), abi::Error> {
        let own = u64::from(identity(self.server).0);
        let grant = if self.server.given.contains(&Given::Grant) {
            Rights::GRANT
        } else {
            Rights::empty()
        };
        let copy = |from, slot, badge, rights| {
            arch::handle_copy(from, thread, Handle(slot), badge, rights)
        };
        copy(self.endpoint, Handle::SERVICE.0, 0, ENDPOINT)?;
        copy(
            self.service("mem")?,
            Handle::MEM.0,
            own,
            Rights::SEND | grant,
        )?;
        copy(Handle::SYSTEM, Handle::SYSTEM.0, 0, Rights::LOG)?;
        let mut slot = FIRST_GIVEN;
        for given in &self.server.given {
            match *given {
                Given::Call { service, .. } => {
                    copy(self.service(service)?, slot, own, Rights::SEND | grant)?
                }
                Given::Notify { name, service } => {
                    let bit = plan::notify_bit(name).ok_or(abi::Error::Invalid)?;
                    copy(self.service(service)?, slot, 1 << bit, Rights::NOTIFY)?
                }
                Given::System(rights) => copy(Handle::SYSTEM, slot, 0, rights | Rights::LOG)?,
                _ => continue,
            };
            slot += 1;
        }
        arch::thread_exceptions(thread, self.root.own_endpoint, own)
    }

    fn service(&self, service: &str) -> Result<Handle, abi::Error> {
        self.root.endpoint(service).ok_or(abi::Error::BadHandle)
    }
}

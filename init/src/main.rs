//! The root task: starts the servers that the boot manifest names, then pid 1, and watches over them.
//!
//! It is the only process that the kernel starts. It makes all endpoints and keeps a handle of each,
//! so that a server can be replaced without its clients noticing. It has no pager: all its memory is
//! mapped before it is used. Its second thread does nothing but hear of dying servers, so that one
//! is named even while the first thread waits for it.
#![no_std]
#![no_main]

extern crate alloc;

mod machine;
mod memory_server;
mod report;
mod server;
mod trace;
mod watch;

use abi::boot::BootInfo;
use abi::{Handle, Rights};
use alloc::vec::Vec;
use init::archive::{self, first_line};
use init::frames::Frames;
use init::manifest::{self, Server};
use init::{device_tree, plan};
use libsys::arch;
use libsys::lease::Loan;
use libsys::request::{request, request_with_handle};
use proto::mem::Mem;
use proto::proc::{self, Proc};
use proto::{Pid, server_id};

libsys::server!(main);

/// Writes a record to the kernel's log.
#[macro_export]
macro_rules! say {
    ($($argument:tt)*) => { $crate::machine::say(format_args!($($argument)*)) };
}

/// All rights on an endpoint.
const ENDPOINT: Rights = Rights::SEND
    .union(Rights::RECEIVE)
    .union(Rights::NOTIFY)
    .union(Rights::GRANT);
/// Manifest that is used if the archive names none.
const DEFAULT_MANIFEST: &str = "cow";
/// Own priority once all servers run: below them, above programs.
const QUIET_PRIORITY: u32 = 20;

/// What the root task knows.
struct Root<'a> {
    boot: BootInfo,
    archive: &'a [u8],
    device_tree: &'a [u8],
    /// `/bin/sh -c` is given this, if it is there.
    command: Option<&'a [u8]>,
    servers: Vec<Server<'a>>,
    /// Endpoint of each server, all rights, in the order of `servers`.
    endpoints: Vec<Handle>,
    /// Where exceptions of the servers arrive.
    own_endpoint: Handle,
}

impl Root<'_> {
    /// The endpoint of a service, if the manifest has it.
    fn endpoint(&self, service: &str) -> Option<Handle> {
        let index = self
            .servers
            .iter()
            .position(|server| server.service == service)?;
        self.endpoints.get(index).copied()
    }

    /// A handle to call a service as the root task.
    fn client(&self, service: &str) -> Option<Handle> {
        let badge = u64::from(server_id::ROOT.0);
        arch::handle_copy(
            self.endpoint(service)?,
            Handle::NONE,
            Handle::NONE,
            badge,
            Rights::SEND,
        )
        .ok()
    }

    /// Asks `mem`; returns the handle that came with the reply, too.
    fn ask_mem(
        &self,
        client: Handle,
        what: &proto::mem::Request,
        loan: Loan<'_>,
    ) -> Result<(proto::mem::Reply, Handle), libsys::Errno> {
        request_with_handle::<Mem>(client, what, [loan, Loan::NONE])
    }
}

fn main(_: libsys::args::Args) -> i32 {
    let Some(boot) = machine::boot_info() else {
        fail("the kernel speaks of another boot information")
    };
    let mut frames = Frames::new(&boot.free, boot.free_count as usize);
    machine::start_heap(&mut frames);
    let archive = machine::archive(&boot);
    let device_tree = machine::map_device_tree(&boot, &mut frames);
    let epoch_s = read_clock(device_tree, &mut frames);

    let servers = read_manifest(archive);
    let mut root = Root {
        boot,
        archive,
        device_tree,
        command: archive::find(archive, "etc/tessera/cmd").map(|file| file.content),
        endpoints: Vec::new(),
        own_endpoint: make_endpoint(&mut frames),
        servers,
    };
    root.endpoints = root
        .servers
        .iter()
        .map(|_| make_endpoint(&mut frames))
        .collect();
    trace::give_ring(&root, &mut frames);
    watch::start(&root, &mut frames);
    memory_server::start(&root, frames);
    server::start_all(&root, epoch_s);

    let _ = arch::thread_priority(Handle(1), QUIET_PRIORITY);
    trace::start(&root);
    let report = report::start(&root);
    let proc = start_init(&root);
    watch::wait_for_init(&root, proc, report.as_ref())
}

/// Ends the machine: nothing can be done without what is missing.
fn fail(reason: &str) -> ! {
    say!("init: {reason}; the system is halted");
    arch::power(Handle::SYSTEM, arch::Power::Off);
    arch::abort()
}

fn read_manifest(archive: &[u8]) -> Vec<Server<'_>> {
    let name = first_line(archive, "etc/tessera/boot").unwrap_or(DEFAULT_MANIFEST);
    let path = alloc::format!("boot/{name}.boot");
    let Some(file) = archive::find(archive, &path) else {
        fail("the archive has no such boot manifest")
    };
    let Ok(text) = core::str::from_utf8(file.content) else {
        fail("the boot manifest is no text")
    };
    match manifest::parse(text) {
        Ok(servers) => servers,
        Err(mistake) => {
            say!(
                "init: {path}, line {}: '{}' {}",
                mistake.line,
                mistake.word,
                mistake.reason
            );
            fail("the boot manifest has a mistake")
        }
    }
}

fn make_endpoint(frames: &mut Frames) -> Handle {
    let made = frames
        .take(1)
        .and_then(|frame| arch::endpoint_create(Handle::SYSTEM, frame).ok());
    made.unwrap_or_else(|| fail("there is no memory for an endpoint"))
}

/// Seconds since 1970, from the PL031; 0 if there is none (Arm DDI 0224, 3.3.1, `RTCDR`).
fn read_clock(device_tree: &[u8], frames: &mut Frames) -> u64 {
    device_tree::find(device_tree, "arm,pl031")
        .and_then(|device| machine::read_register(device.address, frames))
        .map_or(0, u64::from)
}

/// Starts pid 1: the command, or the first init that runs. Returns the handle to ask `proc`.
fn start_init(root: &Root<'_>) -> Handle {
    let Some(client) = root.client("proc") else {
        fail("the boot manifest has no proc")
    };
    let mut tried = Vec::new();
    for program in plan::first_programs(root.command) {
        let Ok(bytes) = postcard::to_allocvec(&program) else {
            continue;
        };
        match request::<Proc>(
            client,
            &proc::Request::Start,
            [Loan::read(&bytes), Loan::NONE],
        ) {
            Ok(_) => return client,
            Err(errno) => tried.push((program.path, errno)),
        }
    }
    no_init(root, &tried)
}

/// Says on the console that there is no init, and halts.
fn no_init(root: &Root<'_>, tried: &[(Vec<u8>, libsys::Errno)]) -> ! {
    for (path, errno) in tried {
        say!(
            "init: {}: {errno}",
            alloc::string::String::from_utf8_lossy(path)
        );
    }
    watch::write_console(
        root,
        b"No init found: none of /sbin/init /etc/init /bin/init /bin/sh runs. System halted.\n",
    );
    fail("no init found")
}

/// Who a server is to the others.
fn identity(server: &Server<'_>) -> Pid {
    plan::identity(server.service).unwrap_or(server_id::ROOT)
}

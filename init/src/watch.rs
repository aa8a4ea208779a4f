//! Watching: the end of pid 1 ends the machine, and a server that dies is named.

use crate::report::{self, Report};
use crate::{Root, machine, say};
use abi::Handle;
use abi::message::label;
use init::frames::Frames;
use init::{exit, plan};
use libsys::arch::{self, Received};
use libsys::lease::Loan;
use libsys::request::request;
use proto::Pid;
use proto::proc::{self, Proc};
use proto::tty::{self, Tty};

/// Priority of the thread that hears of dying servers: above all of them.
const WATCHER_PRIORITY: u32 = 31;
/// How often the console is asked whether it has sent everything.
const DRAIN_TRIES: u32 = 1_000_000;

/// Starts the thread that hears of dying servers.
pub fn start(root: &Root<'_>, frames: &mut Frames) {
    let stack = machine::map_watcher_stack(frames);
    let thread = machine::make_thread(frames, WATCHER_PRIORITY);
    let entry = serve as *const () as u64;
    let endpoint = root.own_endpoint.0.into();
    if let Err(error) = arch::thread_start(thread, entry, stack, [endpoint, 0]) {
        say!("init: cannot watch the servers: {error:?}");
    }
}

/// Waits for pid 1 to end, tells its status, and switches the machine off.
pub fn wait_for_init(root: &Root<'_>, proc: Handle, report: Option<&Report>) -> ! {
    match request::<Proc>(proc, &proc::Request::WaitInit, [Loan::NONE; 2]) {
        Ok(proc::Reply::Waited { status, .. }) => {
            if let Some(report) = report {
                report::end(report);
            }
            if let Some(terminal) = root.client("tty") {
                drain(terminal);
            }
            say!("exit:{}", exit::shell_status(status));
        }
        other => say!("init: cannot wait for pid 1: {other:?}"),
    }
    let error = arch::power(Handle::SYSTEM, arch::Power::Off);
    say!("init: cannot switch the machine off: {error:?}");
    arch::abort()
}

/// Waits until the console has sent all output.
fn drain(terminal: Handle) {
    for _ in 0..DRAIN_TRIES {
        match request::<Tty>(terminal, &tty::Request::Unsent { line: 0 }, [Loan::NONE; 2]) {
            Ok(tty::Reply::Count(0)) | Err(_) => return,
            _ => arch::yield_now(),
        }
    }
}

/// Writes to the console, as far as there is one.
pub fn write_console(root: &Root<'_>, text: &[u8]) {
    let Some(client) = root.client("tty") else {
        return;
    };
    let what = tty::Request::Write {
        line: 0,
        pgid: 0,
        sid: 0,
    };
    let _ = request::<Tty>(client, &what, [Loan::read(text), Loan::NONE]);
    drain(client);
}

/// Hears of exceptions in servers, for good. It must not allocate: it may have interrupted the other
/// thread in the allocator.
extern "C" fn serve(endpoint: u64) -> ! {
    loop {
        match arch::receive(Handle(endpoint as u32)) {
            Ok(received) if received.message.label == label::EXCEPTION => report(&received),
            Ok(_) => {}
            Err(error) => {
                say!("init: cannot hear of servers: {error:?}");
                arch::abort()
            }
        }
    }
}

/// Names a server that died. Its thread stays as it is, for a debugger.
fn report(received: &Received) {
    let server = plan::service_of(Pid(received.badge.number() as u32));
    let name = server.unwrap_or("?");
    let [esr, address, pc, decline, sp, x30, access, _] = received.message.words;
    say!(
        "server {name} died: {} at {pc:#x}",
        exit::exception_name(esr)
    );
    say!(
        "  address {address:#x}, esr {esr:#x}, called from {x30:#x}, sp {sp:#x}, access {access}, decline {decline}"
    );
    if server.is_some_and(plan::is_vital) {
        crate::fail("the system cannot go on without it");
    }
}

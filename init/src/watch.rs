//! Watching: the end of pid 1 ends the machine, and a server that dies is named.

use crate::{Root, say};
use abi::Handle;
use abi::message::label;
use core::sync::atomic::{AtomicU32, Ordering};
use init::{exit, plan};
use libsys::arch::{self, Received};
use libsys::lease::Loan;
use libsys::request::request;
use proto::Pid;
use proto::proc::{self, Proc};
use proto::tty::{self, Tty};

/// Priority of the thread that waits for pid 1.
pub const WATCHER_PRIORITY: u32 = 21;
/// How often the watcher looks whether the console has sent everything.
const DRAIN_TRIES: u32 = 1_000_000;

/// Handle to call the terminal server; 0 if there is none.
static TERMINAL: AtomicU32 = AtomicU32::new(0);

/// Starts the second thread, which waits for pid 1 while the first hears of dying servers.
pub fn start(root: &Root<'_>, thread: Handle, stack: u64) {
    let Some(client) = root.client("proc") else {
        return;
    };
    TERMINAL.store(
        root.client("tty").unwrap_or(Handle::NONE).0,
        Ordering::Relaxed,
    );
    let entry = wait_for_init as *const () as u64;
    if let Err(error) = arch::thread_start(thread, entry, stack, [client.0.into(), 0]) {
        say!("init: cannot wait for pid 1: {error:?}");
    }
}

/// Waits for pid 1 to end, tells its status, and switches the machine off.
extern "C" fn wait_for_init(client: u64) -> ! {
    let client = Handle(client as u32);
    match request::<Proc>(client, &proc::Request::WaitInit, [Loan::NONE; 2]) {
        Ok(proc::Reply::Waited { status, .. }) => {
            drain(Handle(TERMINAL.load(Ordering::Relaxed)));
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

/// Hears of exceptions in servers, for good.
pub fn serve(root: &Root<'_>) -> ! {
    loop {
        match arch::receive(root.own_endpoint) {
            Ok(received) if received.message.label == label::EXCEPTION => report(root, &received),
            Ok(_) => {}
            Err(error) => say!("init: cannot hear of servers: {error:?}"),
        }
    }
}

/// Names a server that died. Its thread stays as it is, for a debugger.
fn report(root: &Root<'_>, received: &Received) {
    let process = Pid(received.badge.number() as u32);
    let server = root
        .servers
        .iter()
        .find(|server| crate::identity(server) == process);
    let name = server.map_or("?", |server| server.service);
    let [esr, address, pc, decline, sp, x30, access, _] = received.message.words;
    say!(
        "server {name} died: {} at {pc:#x}",
        exit::exception_name(esr)
    );
    say!(
        "  address {address:#x}, esr {esr:#x}, called from {x30:#x}, sp {sp:#x}, access {access}, decline {decline}"
    );
    if server.is_some_and(|server| plan::is_vital(server.service)) {
        crate::fail("the system cannot go on without it");
    }
}

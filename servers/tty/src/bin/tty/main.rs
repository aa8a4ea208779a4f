//! The terminal server: the line discipline wired to the PL011, its interrupt and its clients.
#![cfg_attr(target_os = "none", no_std, no_main)]

mod device;

use abi::{Handle, message::notify};
use device::Mapped;
use libsys::{
    arch, env,
    serve::{KernelCallers, KernelClock, Service, serve},
};
use proto::{
    port::{Callers, Clock, Gone, Incoming, LeaseError, Outcome, Refusal},
    tty::{PROC_SIGNAL_BIT, Reply, Request, Tty as Protocol, VFS_READY_BIT},
};
use tty::{Tty, pl011::Pl011};

/// Notification bit of the UART's interrupt.
const UART: u64 = 1 << notify::FIRST_FREE;

libsys::server!(run);

fn run(_: libsys::args::Args) -> i32 {
    let number = |name: &str| env::initial_number(name).unwrap_or(0);
    let handle = |name: &str| Handle(number(name) as u32);
    let Some(registers) = device::from_environment() else {
        return 1;
    };
    let mut tty = Tty::new(number("framed") != 0);
    if env::initial_number("onlcr") == Some(0) {
        tty = tty.without_output_processing().without_window();
    }
    let mut terminal = Terminal {
        tty,
        driver: Pl011::new(registers),
        ports: Ports {
            callers: KernelCallers::new(Handle::SERVICE),
            clock: KernelClock::new(Handle::SERVICE),
        },
        system: handle("system"),
        irq: number("uart_irq") as u32,
        vfs: handle("vfs_ready"),
        proc: handle("proc_signal"),
    };
    if arch::interrupt_bind(terminal.system, terminal.irq, Handle::SERVICE, UART).is_err() {
        return 1;
    }
    terminal.notification(UART);
    serve::<Protocol, _>(Handle::SERVICE, &mut terminal)
}

struct Terminal {
    tty: Tty,
    driver: Pl011<Mapped>,
    ports: Ports,
    system: Handle,
    irq: u32,
    vfs: Handle,
    proc: Handle,
}

impl Terminal {
    /// Signals fail only when the other server is gone, and then nobody waits for them.
    fn tell(&mut self) {
        let news = self.tty.take_news();
        if news.ready {
            let _ = arch::signal(self.vfs, 1 << VFS_READY_BIT);
        }
        if news.signals {
            let _ = arch::signal(self.proc, 1 << PROC_SIGNAL_BIT);
        }
    }
}

impl Service<Protocol> for Terminal {
    fn request(&mut self, incoming: Incoming<Request>) -> Outcome<Reply> {
        let outcome = self.tty.handle(incoming, &mut self.ports);
        self.driver.advance(&mut self.tty, self.ports.now_ns());
        self.tell();
        outcome
    }

    fn notification(&mut self, bits: u64) {
        if bits & notify::TIMER != 0 {
            self.tty.tick(&mut self.ports);
        }
        if bits & UART != 0 {
            self.driver.interrupt(&mut self.tty, self.ports.now_ns());
            // It fails only without the right, which binding has tested.
            let _ = arch::interrupt_done(self.system, self.irq);
        }
        self.tell();
    }
}

/// Callers and clock as the one value that the library asks for.
struct Ports {
    callers: KernelCallers<Protocol>,
    clock: KernelClock,
}

impl Callers<Reply> for Ports {
    fn read(
        &mut self,
        token: abi::Token,
        lease: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError> {
        self.callers.read(token, lease, offset, into)
    }

    fn write(
        &mut self,
        token: abi::Token,
        lease: u32,
        offset: u64,
        from: &[u8],
    ) -> Result<(), LeaseError> {
        self.callers.write(token, lease, offset, from)
    }

    fn reply(&mut self, token: abi::Token, reply: Result<Reply, Refusal>) -> Result<(), Gone> {
        self.callers.reply(token, reply)
    }

    fn state(&mut self, token: abi::Token) -> abi::message::TokenState {
        self.callers.state(token)
    }
}

impl Clock for Ports {
    fn now_ns(&mut self) -> u64 {
        self.clock.now_ns()
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.clock.wake_at(deadline_ns);
    }
}

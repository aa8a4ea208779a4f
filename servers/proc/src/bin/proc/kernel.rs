//! The ports that the kernel answers: callers, clock, threads, machine.

use super::table::Mapped;
use abi::thread::{Registers, RunState};
use abi::{Errno, Handle, Rights, Token};
use libsys::serve::{KernelCallers, KernelClock};
use libsys::{arch, clock, env, request};
use proc::ports::{Begin, Machine, Power, Publish, Thread, Threads};
use proto::Pid;
use proto::port::{Callers, Clock, Gone, LeaseError, Refusal, TokenState};
use proto::proc::{Proc as Protocol, Reply, SignalSet};
use proto::publish::Entry;
use random::Generator;

/// All ports of the server.
pub(crate) struct Kernel {
    callers: KernelCallers<Protocol>,
    clock: KernelClock,
    table: Mapped,
    system: Handle,
    random: Generator,
    pub(crate) ipc: Handle,
    pub(crate) vfs: Handle,
    pub(crate) tty: Handle,
}

impl Kernel {
    /// The ports that the root task named; publishes the empty table.
    pub(crate) fn from_environment() -> Result<Kernel, Errno> {
        let handle = |name: &str| Handle(env::initial_number(name).unwrap_or(0) as u32);
        let vfs = handle("vfs");
        Ok(Kernel {
            callers: KernelCallers::new(Handle::SERVICE),
            clock: KernelClock::new(Handle::SERVICE),
            table: Mapped::publish(vfs)?,
            system: handle("system"),
            random: Generator::from_environment(env::initial("seed"), arch::counter()),
            ipc: handle("ipc"),
            vfs,
            tty: handle("tty"),
        })
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

/// Where programs find their servers, in the order of [`Handle::PROC`] and its followers.
const PROGRAM_HANDLES: [Handle; 4] = [Handle::PROC, Handle::MEM, Handle::VFS, Handle::IPC];

/// Commands to threads of living processes fail only if the kernel has none of the handles, which
/// would be a mistake of this server; so most results say nothing.
impl Threads for Kernel {
    fn inherit_thread(
        &mut self,
        child: Thread,
        parent: Thread,
        badge: Pid,
    ) -> Result<Token, Errno> {
        arch::thread_inherit(child.handle, parent.handle, Handle::SERVICE, badge.0.into())
            .map_err(request::errno)
    }

    fn spawn_thread(
        &mut self,
        child: Thread,
        parent: Thread,
        badge: Pid,
        begin: Begin,
    ) -> Result<(), Errno> {
        let (child, parent, badge) = (child.handle, parent.handle, badge.0.into());
        let Begin { block, stack } = begin;
        arch::thread_spawn(child, parent, Handle::SERVICE, badge, block, stack)
            .map_err(request::errno)
    }

    fn equip_thread(&mut self, thread: Thread, pid: Pid) -> Result<(), Errno> {
        let own = [Handle::SERVICE, Handle::MEM, self.vfs, self.ipc];
        for (from, to) in own.into_iter().zip(PROGRAM_HANDLES) {
            arch::handle_copy(from, thread.handle, to, pid.0.into(), Rights::SEND)
                .map_err(request::errno)?;
        }
        arch::thread_exceptions(thread.handle, Handle::SERVICE, pid.0.into())
            .map_err(request::errno)
    }

    fn start_thread(&mut self, thread: Thread, pc: u64, sp: u64) {
        let _ = arch::thread_start(thread.handle, pc, sp, [0; 2]);
    }

    fn suspend_thread(&mut self, thread: Thread) {
        let _ = arch::thread_suspend(thread.handle);
    }

    fn resume_thread(&mut self, thread: Thread) {
        let _ = arch::thread_continue(thread.handle);
    }

    fn kick_thread(&mut self, thread: Thread) {
        let _ = arch::thread_kick(thread.handle);
    }

    fn mask_thread(
        &mut self,
        thread: Thread,
        keep: SignalSet,
        set: SignalSet,
        pinned: SignalSet,
    ) -> SignalSet {
        arch::thread_mask(thread.handle, keep, set, pinned).unwrap_or(0)
    }

    fn set_thread_priority(&mut self, thread: Thread, priority: u32) {
        let _ = arch::thread_priority(thread.handle, priority);
    }

    fn thread_cpu_ns(&mut self, thread: Thread) -> u64 {
        arch::thread_info(thread.handle).map_or(0, |info| clock::ticks_to_ns(info.time_ticks))
    }

    fn thread_activity(&mut self, thread: Thread) -> (bool, u64) {
        arch::thread_info(thread.handle).map_or((false, 0), |info| {
            let ready = info.state == RunState::Ready;
            (ready, clock::ticks_to_ns(info.time_ticks))
        })
    }

    fn resume_exception(&mut self, token: Token) {
        let _ = self.callers.resume(token, 0);
    }

    fn divert_exception(&mut self, thread: Thread, token: Token, pc: u64) {
        if let Ok(registers) = arch::thread_read(thread.handle) {
            let _ = arch::thread_write(thread.handle, &Registers { pc, ..registers });
        }
        self.resume_exception(token);
    }
}

impl Publish for Kernel {
    fn publish(&mut self, slot: usize, entry: &Entry) {
        self.table.write(slot, entry);
    }
}

impl Machine for Kernel {
    fn power(&mut self, how: Power) {
        let how = match how {
            Power::Off => arch::Power::Off,
            Power::Restart => arch::Power::Restart,
        };
        let error = arch::power(self.system, how);
        libsys::log!("cannot stop the machine: {error:?}");
    }

    fn random(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        bytes
    }
}

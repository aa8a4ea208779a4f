//! The beginning and the end: pid 1, and switching the machine off.

use crate::credentials::Credentials;
use crate::exec::{decode, read_program};
use crate::limits::Limits;
use crate::ports::{Ports, Power, Thread};
use crate::process::{CpuTimes, Life, Links, Process};
use crate::service::done;
use crate::signal::{SIGKILL, Signals};
use crate::table::INIT;
use crate::task::{Caller, Task, Tasks};
use crate::{Answer, Proc};
use abi::{Errno, Token};
use alloc::vec::Vec;
use proto::Pid;
use proto::port::{Incoming, Outcome};
use proto::proc::{ProgramRef, Reply, Request};
use proto::publish::NAME_BYTES;

/// Priority of a program's thread with nice value 0; servers have higher ones.
pub const USER_PRIORITY: u32 = 10;
/// How long the terminal has to send its output before the machine stops, in nanoseconds.
const DRAIN_NS: u64 = 3_000_000_000;
/// How often it is asked whether it has.
const DRAIN_POLL_NS: u64 = 5_000_000;

/// The machine is about to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stopping {
    /// How.
    pub how: Power,
    /// When the terminal is asked next.
    pub poll_ns: u64,
    /// When it has had time enough.
    pub deadline_ns: u64,
}

impl Proc {
    /// The root task starts pid 1.
    pub(crate) fn start<P: Ports>(
        &mut self,
        incoming: &Incoming<Request>,
        ports: &mut P,
    ) -> Answer {
        if self.table.get(INIT).is_some() || self.stopping.is_some() {
            return Err(Errno::EBUSY.into());
        }
        let bytes = read_program(incoming, abi::layout::STACK_BYTES, ports)?;
        let program = decode(&bytes)?;
        let thread = ports.create_space(INIT, USER_PRIORITY)?;
        self.table.insert(first_process(thread, ports.now_ns()));
        self.publish(INIT, ports);
        if let Err(errno) = self.furnish_first(thread, &program, ports) {
            ports.destroy_space(INIT);
            ports.forget_thread(thread);
            self.table.remove(INIT);
            self.publish(INIT, ports);
            return Err(errno.into());
        }
        self.init_ended = None;
        Ok(done(Reply::Pid(INIT.0)))
    }

    fn furnish_first<P: Ports>(
        &mut self,
        thread: Thread,
        program: &ProgramRef<'_>,
        ports: &mut P,
    ) -> Result<(), Errno> {
        ports.equip_thread(thread, INIT)?;
        ports.start_files(INIT)?;
        self.find_personality(INIT, ports);
        let first = Caller {
            pid: INIT,
            tid: INIT,
        };
        self.execute(first, program, ports)
            .inspect_err(|_| ports.exit_files(INIT))
    }

    /// The root task waits for the end of pid 1.
    pub(crate) fn wait_init(&mut self, token: Token) -> Outcome<Reply> {
        if let Some(reply) = self.init_ended.take() {
            return done(reply);
        }
        if self.table.get(INIT).is_none() && self.stopping.is_none() {
            return Outcome::Reply(Err(Errno::ECHILD.into()));
        }
        self.init_waiter = Some(token);
        Outcome::Parked
    }

    /// `reboot` by a process.
    pub(crate) fn power_by<P: Ports>(&mut self, pid: Pid, how: u32, ports: &mut P) -> Answer {
        let process = self.table.living(pid).ok_or(Errno::ESRCH)?;
        if !process.credentials.privileged() {
            return Err(Errno::EPERM.into());
        }
        self.power(how, ports)
    }

    /// Ends all processes; then, as soon as the terminal has sent its output, stops the machine.
    pub(crate) fn power<P: Ports>(&mut self, how: u32, ports: &mut P) -> Answer {
        let how = [Power::Off, Power::Restart]
            .get(how as usize)
            .copied()
            .ok_or(Errno::EINVAL)?;
        let now_ns = ports.now_ns();
        self.stopping = Some(Stopping {
            how,
            poll_ns: now_ns,
            deadline_ns: now_ns.saturating_add(DRAIN_NS),
        });
        // The root task is not told: it would take the end of pid 1 for an accident.
        self.init_waiter = None;
        let all: Vec<Pid> = self
            .table
            .iter()
            .filter(|process| process.is_alive())
            .map(|process| process.pid)
            .collect();
        all.into_iter()
            .rev()
            .for_each(|pid| self.doom(pid, SIGKILL));
        Ok(Outcome::Parked)
    }

    /// Stops the machine if it is time to.
    pub(crate) fn go_on_stopping<P: Ports>(&mut self, now_ns: u64, ports: &mut P) {
        let Some(stopping) = &mut self.stopping else {
            return;
        };
        if now_ns >= stopping.deadline_ns || ports.unsent_terminal_bytes() == 0 {
            ports.power(stopping.how);
        }
        stopping.poll_ns = now_ns.saturating_add(DRAIN_POLL_NS);
    }
}

fn first_process(thread: Thread, now_ns: u64) -> Process {
    Process {
        pid: INIT,
        parent: Pid(0),
        links: Links::default(),
        group: INIT.0,
        session: INIT.0,
        life: Life::Running,
        change: None,
        tasks: Tasks::one(Task::new(INIT, thread, 0)),
        credentials: Credentials::default(),
        signals: Signals::default(),
        limits: Limits::default(),
        nice: 0,
        name: [0; NAME_BYTES],
        start_ns: now_ns,
        times: CpuTimes::default(),
        children_times: CpuTimes::default(),
        alarm: None,
        watch: crate::cpu::Watch::default(),
        timers: Vec::new(),
        past_ns: 0,
        first_status: None,
        lender: None,
        waited_by: None,
        knows_parent: false,
        executed: false,
        start: proto::publish::Start::NONE,
        wishes: crate::wishes::Wishes::default(),
    }
}

//! The server: its state, and which request goes where.

use crate::exec::Personality;
use crate::park::{Deadlines, Parked};
use crate::policy::Scheduling;
use crate::ports::{Begin, Ports};
use crate::schedule::Scheduler;
use crate::scheduling::Wish;
use crate::signal::Action;
use crate::start::Stopping;
use crate::table::Table;
use crate::task::Caller;
use crate::watched::Watched;
use abi::{Errno, Token};
use alloc::collections::VecDeque;
use proto::Pid;
use proto::port::{Incoming, Outcome, Refusal};
use proto::proc::{Reply, Request, Whose};
use serde::{Deserialize, Serialize};

/// What becomes of a request: an outcome, or an early refusal.
pub type Answer = Result<Outcome<Reply>, Refusal>;

/// The process server.
#[derive(Debug, Serialize, Deserialize)]
pub struct Proc {
    pub(crate) table: Table,
    pub(crate) deadlines: Deadlines,
    /// What the timer is set to, so that it is set only when that changes.
    pub(crate) armed_ns: Option<u64>,
    /// Processes that end when the message in hand is done, with the signal.
    pub(crate) doomed: VecDeque<(Pid, u32)>,
    /// Nanoseconds from 1970 to boot.
    pub(crate) epoch_ns: u64,
    /// The root task, if it waits for pid 1.
    pub(crate) init_waiter: Option<Token>,
    /// How pid 1 ended, until the root task asks.
    pub(crate) init_ended: Option<Reply>,
    /// The machine is about to stop.
    pub(crate) stopping: Option<Stopping>,
    /// What Linux programs need; none if the system has none.
    pub(crate) personality: Option<Personality>,
    pub(crate) scheduler: Scheduler,
    /// Processes whose pending signals the file server knows.
    pub(crate) watched: Watched,
    /// Who asks now, if the answer can bring a signal for its handler.
    #[serde(skip)]
    pub(crate) served: Option<Caller>,
}

impl proto::handover::State for Proc {
    type Service = proto::proc::Proc;
    const FORM: &'static str = "proc";
}

impl Proc {
    /// A server without processes; `epoch_ns` is the time at boot, in nanoseconds since 1970.
    pub fn new(epoch_ns: u64) -> Proc {
        Proc {
            table: Table::default(),
            deadlines: Deadlines::default(),
            armed_ns: None,
            doomed: VecDeque::new(),
            epoch_ns,
            init_waiter: None,
            init_ended: None,
            stopping: None,
            personality: None,
            scheduler: Scheduler::new(Scheduling::Kernel),
            watched: Watched::new(),
            served: None,
        }
    }

    /// The processes, to look at.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Answers one request.
    pub fn handle<P: Ports>(
        &mut self,
        incoming: Incoming<Request>,
        ports: &mut P,
    ) -> Outcome<Reply> {
        let answer = if incoming.sender.is_server() {
            self.dispatch_server(incoming, ports)
        } else {
            match self.table.caller(incoming.sender, incoming.token) {
                Some(caller) => self.dispatch(caller, incoming, ports),
                None => Err(Errno::ESRCH.into()),
            }
        };
        self.finish(ports);
        answer.unwrap_or_else(|refusal| Outcome::Reply(Err(refusal)))
    }

    /// What is left to do after every message.
    pub(crate) fn finish<P: Ports>(&mut self, ports: &mut P) {
        if !self.doomed.is_empty() {
            self.bury(ports);
        }
        if !self.watched.is_empty() {
            self.tell_pending(ports);
        }
        self.scheduler.begin(ports);
        self.arm(ports);
    }

    fn dispatch_server<P: Ports>(&mut self, incoming: Incoming<Request>, ports: &mut P) -> Answer {
        if incoming.sender != proto::server_id::ROOT {
            return Err(Errno::EPERM.into());
        }
        match incoming.request {
            Request::Start => self.start(&incoming, ports),
            Request::WaitInit => Ok(self.wait_init(incoming.token)),
            Request::Power { how } => self.power(how, ports),
            Request::Epoch => Ok(done(Reply::Count(self.epoch_ns))),
            _ => Err(Errno::EPERM.into()),
        }
    }

    fn dispatch<P: Ports>(
        &mut self,
        caller: Caller,
        incoming: Incoming<Request>,
        ports: &mut P,
    ) -> Answer {
        let (pid, token) = (incoming.sender, incoming.token);
        let reply = match incoming.request {
            Request::Fork => self.fork(caller, ports)?,
            Request::Spawn { block, stack } => {
                return self.spawn(&incoming, caller, Begin { block, stack }, ports);
            }
            Request::VFork { block, stack } => {
                return self.vfork(&incoming, caller, Begin { block, stack }, ports);
            }
            Request::Exec => return self.exec(&incoming, caller, ports),
            Request::Exit { status } => return Ok(self.exit(pid, status, ports)),
            Request::ExitThread {
                status,
                clear,
                area,
            } => return Ok(self.exit_thread(caller, status, [clear, area], ports)),
            Request::ThreadId => Reply::Pid(caller.tid.0),
            Request::Wait { pid: who, options } => {
                return self.wait(&incoming, caller, (who, options), ports);
            }
            Request::Sleep { deadline_ns } => return self.sleep(caller, token, deadline_ns, ports),
            Request::Suspend { mask } => {
                self.look(caller, ports);
                return self.suspend(caller, token, mask, ports);
            }
            Request::WaitSignal { set, timeout_ns } => {
                return self.wait_signal(caller, token, set, timeout_ns, ports);
            }
            Request::Power { how } => return self.power_by(pid, how, ports),
            Request::Start | Request::WaitInit => return Err(Errno::EPERM.into()),
            Request::Kill { .. }
            | Request::Queue { .. }
            | Request::Action { .. }
            | Request::Mask { .. }
            | Request::Pending
            | Request::Take
            | Request::KillThread { .. }
            | Request::Return { .. } => self.dispatch_signal(caller, incoming.request, ports)?,
            Request::Times { who } => self.times(caller, who, ports)?,
            Request::CpuSleep { clock, until_ns } => {
                return self.cpu_sleep(caller, token, (clock, until_ns), ports);
            }
            Request::Scheduling { .. }
            | Request::SetScheduling { .. }
            | Request::CheckScheduling { .. } => {
                self.dispatch_scheduling(caller, incoming.request, ports)?
            }
            Request::SetTimer { .. }
            | Request::GetTimer { .. }
            | Request::TimerCreate { .. }
            | Request::CpuTimerCreate { .. }
            | Request::TimerSet { .. }
            | Request::TimerGet { .. }
            | Request::TimerOverrun { .. }
            | Request::TimerDelete { .. }
            | Request::CpuTime { .. } => self.dispatch_timer(caller, incoming.request, ports)?,
            _ => self.dispatch_own(&incoming, ports)?,
        };
        Ok(done(reply))
    }

    fn dispatch_signal<P: Ports>(
        &mut self,
        caller: Caller,
        request: Request,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let pid = caller.pid;
        match request {
            Request::Kill { .. } | Request::KillThread { .. } | Request::Queue { .. } => {
                return self.dispatch_kill(caller, request, ports);
            }
            Request::Action { .. } => {}
            _ => self.look(caller, ports),
        }
        let answer = match request {
            Request::Action {
                signal,
                change,
                handler,
                flags,
                mask,
                restorer,
            } => {
                let new = Action {
                    handler,
                    flags,
                    mask,
                    restorer,
                };
                self.action(pid, signal, change.then_some(new), ports)
            }
            Request::Mask { how, set } => self.mask(caller, how, set, ports),
            Request::Pending => self.pending(caller),
            Request::Take => self.take(caller, ports),
            Request::Return { mask } => self.return_from_handler(caller, mask, ports),
            _ => Err(Errno::ENOSYS.into()),
        };
        self.pin(pid, ports);
        answer
    }

    /// Signals that the caller sends. One that its own handler shall get comes with the answer.
    fn dispatch_kill<P: Ports>(
        &mut self,
        caller: Caller,
        request: Request,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let pid = caller.pid;
        self.served = Some(caller);
        let sent = match request {
            Request::Kill { pid: whom, signal } => self.kill(pid, whom, signal, ports),
            Request::KillThread {
                pid: whom,
                tid,
                signal,
                code,
                value,
            } => self.kill_thread(pid, (whom, tid), (signal, code, value), ports),
            Request::Queue {
                pid: whom,
                signal,
                code,
                value,
            } => self.queue(pid, whom, signal, code, value, ports),
            _ => Err(Errno::ENOSYS.into()),
        };
        self.served = None;
        self.deliver_with(caller, sent, ports)
    }

    /// Requests about how threads are scheduled.
    fn dispatch_scheduling<P: Ports>(
        &mut self,
        caller: Caller,
        request: Request,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        match request {
            Request::Scheduling { tid } => self.scheduling(caller, tid),
            Request::CheckScheduling { tid } => self.check_scheduling(caller, tid),
            Request::SetScheduling {
                tid,
                policy,
                priority,
                reset_on_fork,
                change_nice,
                nice,
            } => {
                let wish = Wish {
                    policy,
                    priority,
                    reset_on_fork,
                    nice: change_nice.then_some(nice),
                };
                self.set_scheduling(caller, tid, wish, ports)
            }
            _ => Err(Errno::ENOSYS.into()),
        }
    }

    /// Requests about timers and clocks of processor time.
    fn dispatch_timer<P: Ports>(
        &mut self,
        caller: Caller,
        request: Request,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let pid = caller.pid;
        match request {
            Request::SetTimer {
                which,
                value_ns,
                interval_ns,
            } => self.set_timer(caller, which, (value_ns, interval_ns), ports),
            Request::GetTimer { which } => self.get_timer(caller, which, ports),
            Request::TimerCreate {
                how,
                signal,
                value,
                tid,
            } => self.timer_create(caller, None, (how, signal), (value, tid)),
            Request::CpuTimerCreate {
                clock,
                how,
                signal,
                value,
                tid,
            } => self.timer_create(caller, Some(clock), (how, signal), (value, tid)),
            Request::TimerSet {
                timer,
                first_ns,
                absolute,
                interval_ns,
            } => self.timer_set(caller, timer, (first_ns, absolute), interval_ns, ports),
            Request::TimerGet { timer } => self.timer_get(caller, timer, ports),
            Request::TimerOverrun { timer } => self.timer_overrun(pid, timer),
            Request::TimerDelete { timer } => self.timer_delete(pid, timer),
            Request::CpuTime { clock } => self.cpu_time(caller, clock, ports),
            _ => Err(Errno::ENOSYS.into()),
        }
    }

    /// Requests about ids, groups and resources.
    fn dispatch_own<P: Ports>(
        &mut self,
        incoming: &Incoming<Request>,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let pid = incoming.sender;
        match incoming.request {
            Request::Identity => self.identity(pid),
            Request::Parent => self.parent(pid),
            Request::WatchSignals => {
                self.watch_signals(pid);
                Ok(Reply::Done)
            }
            Request::GetGroup { pid: whom } => self.get_group(pid, whom),
            Request::SetGroup { pid: whom, pgid } => self.set_group(pid, whom, pgid, ports),
            Request::GetSession { pid: whom } => self.get_session(pid, whom),
            Request::NewSession => self.new_session(pid, ports),
            Request::GetUsers => self.get_users(pid),
            Request::GetGroups => self.get_groups(pid),
            Request::SetUsers {
                how,
                real,
                effective,
                saved,
            } => self.set_users(pid, how, [real, effective, saved], ports),
            Request::SetGroups {
                how,
                real,
                effective,
                saved,
            } => self.set_groups(pid, how, [real, effective, saved], ports),
            Request::Supplementary => self.supplementary(incoming, ports),
            Request::ReadMemory { pid: whom, address } => {
                self.read_memory(incoming, whom, address, ports)
            }
            Request::WriteMemory { pid: whom, address } => {
                self.write_memory(incoming, whom, address, ports)
            }
            Request::SetSupplementary => self.set_supplementary(incoming, ports),
            Request::Limit {
                pid: whom,
                resource,
                change,
                soft,
                hard,
            } => {
                let new = crate::limits::Limit { soft, hard };
                self.limit(pid, whom, resource, change.then_some(new), ports)
            }
            Request::Nice {
                pid: who,
                change: false,
                ..
            } => self.nice_of(pid, Whose::Process, who),
            Request::Nice {
                pid: who,
                change: true,
                nice,
            } => self.set_nice(pid, (Whose::Process, who), nice, ports),
            Request::Epoch => Ok(Reply::Count(self.epoch_ns)),
            Request::SetEpoch { epoch_ns } => self.set_epoch(pid, epoch_ns),
            Request::Name => self.name(incoming, ports),
            Request::NiceOf { whose, who } => self.nice_of(pid, whose, who),
            Request::SetNice { whose, who, nice } => self.set_nice(pid, (whose, who), nice, ports),
            Request::TransferPriority { whose, who } => self.transfer_priority(pid, whose, who),
            Request::SetTransferPriority {
                whose,
                who,
                priority,
            } => self.set_transfer_priority(pid, (whose, who), priority),
            Request::Attribute { what } => self.attribute(pid, what),
            Request::SetAttribute { what, value } => self.set_attribute(pid, what, value, ports),
            Request::Privileged { pid: whom } => self.is_privileged(pid, whom),
            _ => Err(Errno::ENOSYS.into()),
        }
    }

    /// Lets a thread wait, unless a handler shall run first.
    pub(crate) fn park<P: Ports>(
        &mut self,
        caller: Caller,
        ports: &mut P,
        parked: Parked,
    ) -> Answer {
        let process = self.table.living_mut(caller.pid).ok_or(Errno::ESRCH)?;
        if process.has_pending() {
            process.look_for(Some(caller.tid), ports);
        }
        let task = process.tasks.get_mut(caller.tid).ok_or(Errno::ESRCH)?;
        if task
            .signals
            .refuses_wait(task.deliverable(&process.signals))
        {
            ports.kick_thread(task.thread);
            return Err(Errno::EINTR.into());
        }
        self.deadlines.park(task, parked);
        Ok(Outcome::Parked)
    }
}

/// An answer at once.
pub(crate) fn done(reply: Reply) -> Outcome<Reply> {
    Outcome::Reply(Ok(reply))
}
